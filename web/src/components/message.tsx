import { useEffect, useRef, useState } from 'preact/hooks';
import { edit, regenerate, sendResults } from '../chat';
import { changeLane, show } from '../conversation';
import type { Call, Message, Stats } from '../conversation';
import { changeConversation } from '../conversations';
import { formatBytes, formatMs, formatNumber } from '../format';
import { memo } from '../memo';
import { CopyButton } from './copy_button';
import { IconButton } from './icon_button';
import { Markdown } from './markdown';
import { Calls, Reasoning, Results } from './aside';
import { Legend, Placed } from './places';
import { ResultsForm } from './results_form';
import { useFocusAfter } from './use_focus_after';

interface Place {
  conversation: string;
  lane: number;
}

interface Props extends Place {
  message: Message;
  versions: string;
  /** Of the message before it. */
  called?: Call[];
  isLast: boolean;
}

function Figures({ stats }: { stats: Stats }) {
  const cached = stats.cachedTokens ? ` (${formatNumber(stats.cachedTokens)} cached)` : '';
  const parts = [
    stats.tokensPerSecond === null ? null : `${formatNumber(stats.tokensPerSecond, 1)} tokens/s`,
    `first token ${formatMs(stats.ttftMs)}`,
    stats.promptTokens === null ? null : `${formatNumber(stats.promptTokens)} prompt${cached}`,
    `${formatNumber(stats.completionTokens)} answer`,
    stats.memoryBytes === null ? null : `${formatBytes(stats.memoryBytes)} memory`,
  ];
  return (
    <ul class="figures" aria-label="Measured">
      {parts.map((part) => part && <li key={part}>{part}</li>)}
    </ul>
  );
}

function Editor({ message, onSave, onClose }: { message: Message; onSave: (text: string) => void; onClose: () => void }) {
  const [text, setText] = useState(message.text);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => area.current?.focus(), []);
  const isQuestion = message.role === 'user';
  const save = () => text.trim() && onSave(text.trim());
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      onClose();
    }
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && isQuestion) {
      event.preventDefault();
      save();
    }
  };
  return (
    <div class="editor">
      <textarea
        ref={area}
        aria-label={isQuestion ? 'Edit the message' : 'Edit the answer'}
        rows={Math.min(12, Math.max(2, text.split('\n').length + 1))}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <div class="editor-actions">
        <button type="button" class="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="button primary" disabled={!text.trim()} onClick={save}>
          {isQuestion ? 'Send' : 'Save'}
        </button>
      </div>
    </div>
  );
}

// `versions` is "id id id": a text, so that an unchanged list does not render the message again.
function Versions({ conversation, lane, message, versions }: Props) {
  const ids = versions.split(' ');
  const index = ids.indexOf(message.id);
  if (ids.length < 2) return null;
  const go = (step: number) => () => {
    const id = ids[index + step];
    if (!id) return;
    changeConversation(conversation, (old) => {
      const tree = old.lanes[lane]?.tree;
      return tree ? changeLane(old, lane, { tree: show(tree, id) }) : old;
    });
  };
  return (
    <span class="versions" role="group" aria-label="Versions">
      <IconButton icon="left" label="Previous version" isDisabled={index === 0} onClick={go(-1)} />
      <span>
        {index + 1}
        <span aria-hidden="true">/</span>
        <span class="visually-hidden"> of </span>
        {ids.length}
      </span>
      <IconButton icon="right" label="Next version" isDisabled={index === ids.length - 1} onClick={go(1)} />
    </span>
  );
}

const endings: Partial<Record<NonNullable<Message['state']>, string>> = {
  stopped: 'Stopped',
  length: 'Ended at the token limit',
};

function Body({ message, called }: Pick<Props, 'message' | 'called'>) {
  if (message.role === 'tool') return <Results calls={called ?? []} results={message.results ?? []} />;
  if (message.role === 'user') return <div class="said">{message.text}</div>;
  return <Answer message={message} />;
}

function Answer({ message }: Pick<Props, 'message'>) {
  const [showsPlaces, setShowsPlaces] = useState(true);
  const { pieces } = message;
  const isWaiting = message.state === 'streaming' && !message.text && !message.reasoning && !message.calls;
  return (
    <>
      {message.reasoning && <Reasoning text={message.reasoning} />}
      {isWaiting ? (
        <p class="waiting">
          <span class="visually-hidden">Waiting for the first token</span>
          <i />
          <i />
          <i />
        </p>
      ) : (
        <>{pieces && showsPlaces ? <Placed pieces={pieces} /> : <Markdown text={message.text} />}</>
      )}
      {pieces && (
        <Legend pieces={pieces} counts={message.stats?.places ?? null} isShown={showsPlaces} onToggle={() => setShowsPlaces(!showsPlaces)} />
      )}
      {message.calls && <Calls calls={message.calls} />}
      {message.error && <p class="problem">{message.error}</p>}
    </>
  );
}

function Actions(props: Props & { onEdit: () => void }) {
  const { conversation, lane, message, onEdit } = props;
  const isAnswer = message.role === 'assistant';
  const name = { user: 'message', assistant: 'answer', tool: 'results' }[message.role];
  const ending = message.state && endings[message.state];
  return (
    <div class="message-foot">
      <Versions {...props} />
      <CopyButton text={message.results?.join('\n') ?? message.text} label={`Copy ${name}`} />
      <IconButton icon="edit" label={`Edit ${name}`} onClick={onEdit} />
      {isAnswer && (
        <IconButton icon="again" label="Answer again" onClick={() => regenerate(conversation, lane, message.id)} />
      )}
      {ending && <span class="ending">{ending}</span>}
    </div>
  );
}

const headings: Partial<Record<Message['role'], string>> = { user: 'You', tool: 'Results of the calls' };

/** One message with what can be done to it. */
export const MessageView = memo(function MessageView(props: Props) {
  const { conversation, lane, message, called, isLast } = props;
  const [isEditing, setEditing] = useState(false);
  const place = useFocusAfter(isEditing, 'button[aria-label^="Edit"]');
  const isStreaming = message.state === 'streaming';
  const close = () => setEditing(false);
  const give = (to: string) => (results: string[]) => {
    close();
    sendResults(conversation, lane, to, results);
  };
  const onSave = (text: string) => {
    setEditing(false);
    if (text !== message.text) edit(conversation, lane, message.id, text);
  };
  return (
    <li ref={place} class={`message ${message.role}`} aria-busy={isStreaming}>
      <h3 class="visually-hidden">{headings[message.role] ?? (message.model || 'Answer')}</h3>
      {isEditing && message.role === 'tool' ? (
        <ResultsForm key={message.id} calls={called ?? []} results={message.results ?? []} onSend={give(message.parent ?? '')} onClose={close} />
      ) : isEditing ? (
        <Editor message={message} onSave={onSave} onClose={close} />
      ) : (
        <>
          <Body {...props} />
          {message.stats && <Figures stats={message.stats} />}
          {!isStreaming && <Actions {...props} onEdit={() => setEditing(true)} />}
          {!isStreaming && isLast && message.calls && <ResultsForm key={message.id} calls={message.calls} onSend={give(message.id)} />}
        </>
      )}
    </li>
  );
});
