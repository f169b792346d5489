import { useEffect, useRef, useState } from 'preact/hooks';
import { send, stop } from '../chat';
import { Icon } from './icon';

interface Props {
  conversation: string;
  isRunning: boolean;
  isReady: boolean;
}

const mostPx = 240;

/** Where a message is written. Enter sends it; while an answer is written, the button stops it. */
export function Composer({ conversation, isRunning, isReady }: Props) {
  const [text, setText] = useState('');
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => area.current?.focus({ preventScroll: true }), [conversation]);
  useEffect(() => {
    const at = area.current;
    if (!at) return;
    at.style.height = 'auto';
    at.style.height = `${Math.min(mostPx, at.scrollHeight)}px`;
  }, [text]);
  const submit = () => {
    if (isRunning || !isReady || !text.trim()) return;
    send(conversation, text.trim());
    setText('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  };
  const onSubmit = (event: Event) => {
    event.preventDefault();
    submit();
  };
  return (
    <form class="composer" onSubmit={onSubmit}>
      <textarea
        ref={area}
        rows={1}
        aria-label="Message"
        placeholder="Write a message"
        enterkeyhint="send"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {isRunning ? (
        <button type="button" class="send" aria-label="Stop" title="Stop (Escape)" onClick={() => stop(conversation)}>
          <Icon name="stop" />
        </button>
      ) : (
        <button type="submit" class="send" aria-label="Send" title="Send (Enter)" aria-disabled={!isReady || !text.trim()}>
          <Icon name="send" />
        </button>
      )}
    </form>
  );
}
