import { Icon } from './icon';
import type { IconName } from './icon';

interface Props {
  icon: IconName;
  label: string;
  onClick: () => void;
  isDisabled?: boolean;
  isPressed?: boolean;
  isExpanded?: boolean;
  class?: string;
}

/**
 * A button that shows an icon alone; `label` is its name and its tooltip. When it is disabled the focus can still stand
 * on it: a press that disables its own button must not throw the focus away.
 */
export function IconButton({ icon, label, onClick, isDisabled, isPressed, isExpanded, class: name }: Props) {
  return (
    <button
      type="button"
      class={`icon-button ${name ?? ''}`}
      aria-label={label}
      title={label}
      aria-disabled={isDisabled}
      aria-pressed={isPressed}
      aria-expanded={isExpanded}
      onClick={() => isDisabled || onClick()}
    >
      <Icon name={icon} />
    </button>
  );
}
