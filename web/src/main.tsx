import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/playground.css';
import './styles/markdown.css';
import './styles/pages.css';
import { App } from './app';
import { isRunning, stopAll } from './chat';
import { followOtherTabs, restore } from './conversations';
import { applyTheme, theme } from './theme';

applyTheme(theme.get());
restore();
followOtherTabs(isRunning);
addEventListener('pagehide', stopAll);
const root = document.getElementById('app');
if (root) render(<App />, root);
