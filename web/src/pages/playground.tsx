import { useEffect, useState } from 'preact/hooks';
import { keyVersion } from '../api_key';
import { isRunning, runs, stop } from '../chat';
import { Composer } from '../components/composer';
import { ConversationList } from '../components/conversation_list';
import { IconButton } from '../components/icon_button';
import { LaneView, ModelSelect } from '../components/lane';
import { isNarrow } from '../components/panel';
import { SettingsPanel } from '../components/settings_panel';
import { changeLane, isEmpty } from '../conversation';
import type { Conversation } from '../conversation';
import { changeConversation, conversations, create, openId } from '../conversations';
import { useLive } from '../live';
import { models, refreshModels } from '../models';
import { useStore } from '../store';

const isWide = (px: number) => matchMedia(`(min-width: ${px}px)`).matches;

// An empty conversation with the model and settings of the one before it.
function startNew(): void {
  const before = conversations.get().find((conversation) => conversation.id === openId.get());
  const settings = before?.settings;
  const names = before ? before.lanes.map((lane) => lane.model) : [models.get()[0] ?? ''];
  openId.set(create(settings, names).id);
}

// A second lane begins as a copy of the first. One that is taken away becomes a conversation of its own.
function toggleCompare(conversation: Conversation): void {
  const [first, second] = conversation.lanes;
  if (!first) return;
  if (!second) {
    const other = models.get().find((name) => name !== first.model) ?? first.model;
    changeConversation(conversation.id, (old) => ({ ...old, lanes: [first, { model: other, tree: first.tree }] }));
    return;
  }
  changeConversation(conversation.id, (old) => ({ ...old, lanes: [first] }));
  if (!isEmpty(conversation) && second.tree !== first.tree) create(conversation.settings, [second.model], [second.tree]);
}

// The conversation that is shown; there is always one.
function useConversation(): Conversation | undefined {
  const all = useStore(conversations);
  const id = useStore(openId);
  const names = useStore(models);
  const shown = all.find((conversation) => conversation.id === id);
  useEffect(() => {
    if (shown) return;
    const last = all[0];
    openId.set((last ?? create()).id);
  }, [shown, all]);
  useEffect(() => {
    const [first] = names;
    if (!shown || !first) return;
    shown.lanes.forEach((lane, index) => {
      if (!lane.model) changeConversation(shown.id, (old) => changeLane(old, index, { model: first }));
    });
  }, [shown?.id, names]);
  return shown;
}

// Escape stops what is being written, wherever the focus is; a dialog takes it first.
function useEscape(conversation: string): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !document.querySelector('dialog[open]')) stop(conversation);
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, [conversation]);
}

interface BarProps {
  conversation: Conversation;
  isBusy: boolean;
  isListOpen: boolean;
  isSettingsOpen: boolean;
  onList: () => void;
  onSettings: () => void;
}

function Bar({ conversation, isBusy, isListOpen, isSettingsOpen, onList, onSettings }: BarProps) {
  const isComparing = conversation.lanes.length > 1;
  return (
    <div class="bar">
      <IconButton icon="menu" label="Conversations" isExpanded={isListOpen} onClick={onList} />
      {isComparing ? <span class="bar-title">Side by side</span> : <ModelSelect conversation={conversation} index={0} />}
      <span class="space" />
      <IconButton
        icon="columns"
        label="Compare two models"
        isPressed={isComparing}
        isDisabled={isBusy}
        onClick={() => toggleCompare(conversation)}
      />
      <IconButton icon="sliders" label="Settings" isExpanded={isSettingsOpen} onClick={onSettings} />
    </div>
  );
}

export function Playground() {
  const conversation = useConversation();
  const version = useStore(keyVersion);
  const [isListOpen, setListOpen] = useState(!isNarrow());
  const [isSettingsOpen, setSettingsOpen] = useState(isWide(1200));
  useStore(runs);
  const isBusy = conversation !== undefined && isRunning(conversation.id);
  useLive(isBusy);
  useEscape(conversation?.id ?? '');
  useEffect(() => void refreshModels(), [version]);
  if (!conversation) return null;
  const open = (act: () => void) => {
    act();
    if (isNarrow()) setListOpen(false);
  };
  const isReady = conversation.lanes.every((lane) => lane.model !== '');
  return (
    <div class="playground">
      <h1 class="visually-hidden">Playground</h1>
      {isListOpen && (
        <ConversationList
          current={conversation.id}
          onOpen={(id) => open(() => openId.set(id))}
          onNew={() => open(startNew)}
          onClose={() => setListOpen(false)}
        />
      )}
      <div class="talk">
        <Bar
          conversation={conversation}
          isBusy={isBusy}
          isListOpen={isListOpen}
          isSettingsOpen={isSettingsOpen}
          onList={() => setListOpen(!isListOpen)}
          onSettings={() => setSettingsOpen(!isSettingsOpen)}
        />
        <div class={`lanes lanes-${conversation.lanes.length}`}>
          {conversation.lanes.map((_, index) => (
            <LaneView key={`${conversation.id} ${index}`} conversation={conversation} index={index} />
          ))}
        </div>
        <Composer conversation={conversation.id} isRunning={isBusy} isReady={isReady} />
      </div>
      {isSettingsOpen && <SettingsPanel conversation={conversation} onClose={() => setSettingsOpen(false)} />}
    </div>
  );
}
