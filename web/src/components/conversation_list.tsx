import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../api';
import { stop } from '../chat';
import { isEmpty } from '../conversation';
import type { Conversation } from '../conversation';
import { readFile, writeFile } from '../conversation_file';
import { bring, conversations, remove, rename, storageProblem } from '../conversations';
import { memo } from '../memo';
import { useStore } from '../store';
import { ConfirmDialog } from './dialog';
import { Icon } from './icon';
import { IconButton } from './icon_button';
import { Panel } from './panel';
import { useFocusAfter } from './use_focus_after';

interface Props {
  current: string;
  onOpen: (id: string) => void;
  onNew: () => void;
  onClose: () => void;
}

function download(chosen: Conversation[], name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([writeFile(chosen)], { type: 'application/json' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}

const fileName = (title: string) => `${title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '') || 'conversation'}.json`;

function TitleInput({ conversation, onDone }: { conversation: Conversation; onDone: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.select(), []);
  // Closing takes the focus away, which must not save once more.
  const isOver = useRef(false);
  const close = (isSaved: boolean) => {
    if (isOver.current) return;
    isOver.current = true;
    if (isSaved) rename(conversation.id, input.current?.value ?? '');
    onDone();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.isComposing) close(true);
    if (event.key === 'Escape') {
      event.stopPropagation();
      close(false);
    }
  };
  return <input ref={input} aria-label="New name" value={conversation.title} onKeyDown={onKeyDown} onBlur={() => close(true)} />;
}

interface EntryProps {
  conversation: Conversation;
  isCurrent: boolean;
  onOpen: (id: string) => void;
}

const Entry = memo(function Entry({ conversation, isCurrent, onOpen }: EntryProps) {
  const [isRenaming, setRenaming] = useState(false);
  const [isRemoving, setRemoving] = useState(false);
  const place = useFocusAfter(isRenaming, '.entry-open');
  const onRemove = () => {
    stop(conversation.id);
    remove(conversation.id);
  };
  return (
    <li ref={place} class={isCurrent ? 'entry current' : 'entry'}>
      {isRenaming ? (
        <TitleInput conversation={conversation} onDone={() => setRenaming(false)} />
      ) : (
        <button type="button" class="entry-open" aria-current={isCurrent ? 'true' : undefined} onClick={() => onOpen(conversation.id)}>
          {conversation.lanes.length > 1 && <Icon name="columns" />}
          <span>{conversation.title}</span>
        </button>
      )}
      {isCurrent && !isRenaming && !isEmpty(conversation) && (
        <span class="entry-actions">
          <IconButton icon="edit" label="Rename" onClick={() => setRenaming(true)} />
          <IconButton icon="download" label="Export" onClick={() => download([conversation], fileName(conversation.title))} />
          <IconButton icon="trash" label="Delete" onClick={() => setRemoving(true)} />
        </span>
      )}
      {isRemoving && (
        <ConfirmDialog
          title="Delete this conversation?"
          text={`“${conversation.title}” will be gone for good.`}
          action="Delete"
          onConfirm={onRemove}
          onClose={() => setRemoving(false)}
        />
      )}
    </li>
  );
});

function Transfer({ all }: { all: Conversation[] }) {
  const picker = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState('');
  const onPick = async (input: HTMLInputElement) => {
    try {
      const file = input.files?.[0];
      if (file) bring(readFile(await file.text()));
      setProblem('');
    } catch (error) {
      setProblem(`Nothing was imported: ${messageOf(error)}.`);
    }
    input.value = '';
  };
  return (
    <div class="transfer">
      {problem && (
        <p class="problem small" role="alert">
          {problem}
        </p>
      )}
      <button type="button" class="button quiet" onClick={() => picker.current?.click()}>
        <Icon name="upload" /> Import
      </button>
      <button type="button" class="button quiet" disabled={!all.length} onClick={() => download(all, 'conversations.json')}>
        <Icon name="download" /> Export all
      </button>
      <input
        ref={picker}
        type="file"
        accept="application/json,.json"
        hidden
        aria-label="File of conversations"
        onChange={(event) => void onPick(event.currentTarget)}
      />
    </div>
  );
}

export function ConversationList({ current, onOpen, onNew, onClose }: Props) {
  const all = useStore(conversations);
  const problem = useStore(storageProblem);
  // The same function each time, so that an answer being written renders one entry, not all.
  const latest = useRef(onOpen);
  latest.current = onOpen;
  const open = useCallback((id: string) => latest.current(id), []);
  const newestFirst = [...all].sort((a, b) => b.updated - a.updated);
  return (
    <Panel name="Conversations" class="list" onClose={onClose}>
      <button type="button" class="button new" onClick={onNew}>
        <Icon name="plus" /> New conversation
      </button>
      {problem && <p class="problem small">{problem}</p>}
      <ul class="entries">
        {newestFirst.map((conversation) => (
          <Entry
            key={conversation.id}
            conversation={conversation}
            isCurrent={conversation.id === current}
            onOpen={open}
          />
        ))}
      </ul>
      <Transfer all={newestFirst.filter((conversation) => !isEmpty(conversation))} />
    </Panel>
  );
}
