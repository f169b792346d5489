import { useEffect, useRef } from 'preact/hooks';
import { changeLane, shownPath, versionsOf } from '../conversation';
import type { Conversation } from '../conversation';
import { changeConversation } from '../conversations';
import { models, modelsProblem } from '../models';
import { useStore } from '../store';
import { MessageView } from './message';

interface Props {
  conversation: Conversation;
  index: number;
}

const nearEnd = 80;

// Keeps the end in view while it grows, unless the reader has scrolled away from it.
function useFollowEnd(shown: unknown, count: number) {
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const onScroll = () => {
    const at = box.current;
    if (at) isAtEnd.current = at.scrollHeight - at.scrollTop - at.clientHeight < nearEnd;
  };
  useEffect(() => {
    isAtEnd.current = true;
  }, [count]);
  useEffect(() => {
    const at = box.current;
    if (at && isAtEnd.current) at.scrollTop = at.scrollHeight;
  }, [shown]);
  return { box, onScroll };
}

export function ModelSelect({ conversation, index }: Props) {
  const names = useStore(models);
  const chosen = conversation.lanes[index]?.model ?? '';
  const all = chosen && !names.includes(chosen) ? [chosen, ...names] : names;
  const label = conversation.lanes.length > 1 ? `Model ${index === 0 ? 'left' : 'right'}` : 'Model';
  const onChange = (model: string) => changeConversation(conversation.id, (old) => changeLane(old, index, { model }));
  return (
    <label class="model-select">
      <span class="visually-hidden">{label}</span>
      <select value={chosen} onChange={(event) => onChange(event.currentTarget.value)} disabled={all.length === 0}>
        {all.length === 0 && <option value="">No model</option>}
        {all.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Welcome() {
  const problem = useStore(modelsProblem);
  return (
    <div class="welcome">
      <p class="welcome-title">Start a conversation</p>
      {problem ? (
        <p class="problem">{problem}</p>
      ) : (
        <p class="welcome-keys">
          <kbd>Enter</kbd> sends, <kbd>Shift</kbd> <kbd>Enter</kbd> starts a line, <kbd>Escape</kbd> stops an answer.
        </p>
      )}
    </div>
  );
}

/** One model and the shown path through its messages. */
export function LaneView({ conversation, index }: Props) {
  const lane = conversation.lanes[index];
  const path = lane ? shownPath(lane.tree) : [];
  const { box, onScroll } = useFollowEnd(path.at(-1), path.length);
  if (!lane) return null;
  const name = lane.model || 'no model';
  return (
    <section class="lane" aria-label={`Conversation with ${name}`}>
      {conversation.lanes.length > 1 && (
        <div class="lane-head">
          <ModelSelect conversation={conversation} index={index} />
        </div>
      )}
      <div class="lane-scroll" ref={box} onScroll={onScroll} tabIndex={0} role="group" aria-label={`Messages of ${name}`}>
        {path.length === 0 ? (
          <Welcome />
        ) : (
          <ol class="messages">
            {/* Versions of a message share its place, so that the focus stays when another is shown. */}
            {path.map((message, at) => (
              <MessageView
                key={message.parent ?? 'first'}
                conversation={conversation.id}
                lane={index}
                message={message}
                versions={versionsOf(lane.tree, message.id).ids.join(' ')}
                called={path[at - 1]?.calls}
                isLast={at === path.length - 1}
              />
            ))}
          </ol>
        )}
      </div>
    </section>
  );
}
