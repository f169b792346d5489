import { useEffect, useRef } from 'preact/hooks';
import { announcement } from './announce';
import { askForKey } from './api_key';
import { IconButton } from './components/icon_button';
import { KeyDialog } from './components/key_dialog';
import { LivePage } from './pages/live';
import { ModelsPage } from './pages/models';
import { NodePage } from './pages/node';
import { Playground } from './pages/playground';
import { usePage } from './router';
import type { Page } from './router';
import { useStore } from './store';
import { applyTheme, nextTheme, theme } from './theme';

const pages: { page: Page; title: string; short: string }[] = [
  { page: 'playground', title: 'Playground', short: 'Chat' },
  { page: 'models', title: 'Models', short: 'Models' },
  { page: 'live', title: 'Live load', short: 'Live' },
];
/** A node serves this page alone, `verge serve` the others. */
const nodePages: typeof pages = [{ page: 'node', title: 'Node', short: 'Node' }];
const pagesBeside = (page: Page) => (page === 'node' ? nodePages : pages);

function ThemeButton() {
  const now = useStore(theme);
  const icon = ({ system: 'system', light: 'sun', dark: 'moon' } as const)[now];
  return <IconButton icon={icon} label={`Colours: ${now}`} onClick={() => applyTheme(nextTheme[now])} />;
}

function TopBar({ current }: { current: Page }) {
  const shown = pagesBeside(current);
  return (
    <header class="top">
      <a class="brand" href={`#/${shown[0]?.page}`} aria-label={`Verge, ${shown[0]?.title.toLowerCase()}`}>
        <img src="./icon.svg" alt="" width="24" height="24" />
        <span>Verge</span>
      </a>
      <nav aria-label="Pages">
        {shown.map(({ page, title, short }) => (
          <a key={page} href={`#/${page}`} aria-label={title} aria-current={page === current ? 'page' : undefined}>
            <span class="long">{title}</span>
            <span class="short">{short}</span>
          </a>
        ))}
      </nav>
      {shown === pages && <IconButton icon="key" label="API key" onClick={askForKey} />}
      <ThemeButton />
    </header>
  );
}

export function App() {
  const page = usePage();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const said = useStore(announcement);
  useEffect(() => {
    document.title = `${pagesBeside(page).find((entry) => entry.page === page)?.title} · Verge`;
    if (!isFirst.current && page !== 'playground') main.current?.focus();
    isFirst.current = false;
  }, [page]);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the page
      </button>
      <TopBar current={page} />
      <main ref={main} tabIndex={-1}>
        {page === 'playground' && <Playground />}
        {page === 'models' && <ModelsPage />}
        {page === 'live' && <LivePage />}
        {page === 'node' && <NodePage />}
      </main>
      <KeyDialog />
      <div class="visually-hidden" role="status" aria-live="polite">
        {said}
      </div>
    </>
  );
}
