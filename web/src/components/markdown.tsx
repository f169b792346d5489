// Elements for the blocks of a Markdown text. Text only ever becomes text nodes.
import type { ComponentChildren } from 'preact';
import { memo } from '../memo';
import { parseMarkdown } from '../markdown';
import type { Block } from '../markdown';
import type { Inline } from '../markdown_inline';
import { CopyButton } from './copy_button';

function inlines(parts: Inline[]): ComponentChildren {
  return parts.map((part, index) => {
    switch (part.kind) {
      case 'text':
        return part.text;
      case 'code':
        return <code key={index}>{part.text}</code>;
      case 'break':
        return <br key={index} />;
      case 'strong':
        return <strong key={index}>{inlines(part.parts)}</strong>;
      case 'emphasis':
        return <em key={index}>{inlines(part.parts)}</em>;
      case 'struck':
        return <s key={index}>{inlines(part.parts)}</s>;
      case 'link':
        return (
          <a key={index} href={part.address} target="_blank" rel="noopener noreferrer nofollow">
            {inlines(part.parts)}
          </a>
        );
    }
  });
}

function Code({ block }: { block: Extract<Block, { kind: 'code' }> }) {
  return (
    <div class="code">
      <div class="code-bar">
        <span>{block.language || 'code'}</span>
        <CopyButton text={block.text} label="Copy code" />
      </div>
      <pre tabIndex={0} aria-label={`Code${block.language ? ` in ${block.language}` : ''}`}>
        <code>{block.text}</code>
      </pre>
    </div>
  );
}

function Table({ block }: { block: Extract<Block, { kind: 'table' }> }) {
  const alignOf = (column: number) => `align-${block.align[column] ?? 'left'}`;
  return (
    <div class="table-scroll" tabIndex={0} role="region" aria-label="Table">
      <table>
        <thead>
          <tr>
            {block.head.map((cell, column) => (
              <th key={column} scope="col" class={alignOf(column)}>
                {inlines(cell)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {block.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column} class={alignOf(column)}>
                  {inlines(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// One paragraph in an item needs no element of its own.
function itemOf(blocks: Block[]): ComponentChildren {
  const [first, ...rest] = blocks;
  if (first?.kind !== 'paragraph') return blocks.map(blockOf);
  return [inlines(first.text), ...rest.map(blockOf)];
}

function blockOf(block: Block, key: number): ComponentChildren {
  switch (block.kind) {
    case 'paragraph':
      return <p key={key}>{inlines(block.text)}</p>;
    case 'heading': {
      // The page's own headings are h1 and h2.
      const Heading = `h${Math.min(6, block.level + 2)}` as 'h3';
      return <Heading key={key}>{inlines(block.text)}</Heading>;
    }
    case 'code':
      return <Code key={key} block={block} />;
    case 'list': {
      const items = block.items.map((item, index) => <li key={index}>{itemOf(item)}</li>);
      return block.isOrdered ? <ol key={key} start={block.start}>{items}</ol> : <ul key={key}>{items}</ul>;
    }
    case 'quote':
      return <blockquote key={key}>{block.blocks.map(blockOf)}</blockquote>;
    case 'table':
      return <Table key={key} block={block} />;
    case 'rule':
      return <hr key={key} />;
  }
}

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  return <div class="markdown">{parseMarkdown(text).map(blockOf)}</div>;
});
