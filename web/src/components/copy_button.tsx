import { useEffect, useState } from 'preact/hooks';
import { announce } from '../announce';
import { IconButton } from './icon_button';

const shownMs = 1500;

// Without a secure origin there is no clipboard interface; a selection and the old command remain.
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'visually-hidden';
    document.body.append(area);
    area.select();
    const isDone = document.execCommand('copy');
    area.remove();
    return isDone;
  }
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), shownMs);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const onClick = async () => {
    const isDone = await copy(text);
    setCopied(isDone);
    announce(isDone ? 'Copied.' : 'This browser does not allow copying.');
  };
  return <IconButton icon={isCopied ? 'check' : 'copy'} label={label} onClick={onClick} />;
}
