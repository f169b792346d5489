// Server-sent events (WHATWG HTML, section 9.2) from bytes that may be cut anywhere.

export interface ServerEvent {
  event: string;
  data: string;
}

export class EventParser {
  private decoder = new TextDecoder();
  private line = '';
  private endedInCarriageReturn = false;
  private event = '';
  private data: string[] = [];

  /** The events that these bytes complete. */
  push(bytes: Uint8Array): ServerEvent[] {
    const found: ServerEvent[] = [];
    let text = this.decoder.decode(bytes, { stream: true });
    if (text === '') return found;
    if (this.endedInCarriageReturn && text.startsWith('\n')) text = text.slice(1);
    this.endedInCarriageReturn = text.endsWith('\r') || (text === '' && this.endedInCarriageReturn);
    const lines = text.split(/\r\n|\n|\r/);
    lines[0] = this.line + lines[0];
    this.line = lines.pop() ?? '';
    for (const line of lines) this.takeLine(line, found);
    return found;
  }

  private takeLine(line: string, found: ServerEvent[]): void {
    if (line === '') {
      if (this.data.length > 0) found.push({ event: this.event || 'message', data: this.data.join('\n') });
      this.event = '';
      this.data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.data.push(value);
    if (field === 'event') this.event = value;
  }
}
