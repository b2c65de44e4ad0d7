import { describe, expect, test, vi } from 'vitest';
import { gestures, toBox, type Hands } from './gestures';

const area = { left: 10, top: 5, width: 100, height: 50 };

describe('toBox', () => {
  test('is as high as the plot where x is zoomed, and stays inside it', () => {
    expect(toBox({ x: 30, y: 9, isVertical: false }, { x: 500, y: 20 }, area)).toEqual({ left: 30, top: 5, width: 80, height: 50 });
  });

  test('is as wide as the plot where y is zoomed', () => {
    expect(toBox({ x: 30, y: 40, isVertical: true }, { x: 60, y: 0 }, area)).toEqual({ left: 10, top: 5, width: 100, height: 35 });
  });

  test('is none before anything is drawn', () => {
    expect(toBox({ x: 0, y: 0, isVertical: false }, { x: 9, y: 9 }, null)).toBeNull();
  });
});

describe('gestures', () => {
  function build() {
    const hands = { point: vi.fn(), leave: vi.fn(), drag: vi.fn(), zoomX: vi.fn(), zoomY: vi.fn(), reset: vi.fn(), click: vi.fn(), area: () => area };
    const node = document.createElement('div');
    node.setPointerCapture = () => {};
    const stop = gestures(hands satisfies Hands)(node);
    const send = (kind: string, clientX = 0, clientY = 0, shiftKey = false) => node.dispatchEvent(new MouseEvent(kind, { clientX, clientY, shiftKey, button: 0 }));
    return { hands, send, stop };
  }

  test('a drag zooms x, whichever way it goes', () => {
    const { hands, send } = build();
    send('pointerdown', 80, 20);
    send('pointermove', 40, 22);
    send('pointerup', 40, 22);
    expect(hands.zoomX).toHaveBeenCalledWith(40, 80);
    expect(hands.click).not.toHaveBeenCalled();
  });

  test('a drag with Shift zooms y, from the lower value up', () => {
    const { hands, send } = build();
    send('pointerdown', 20, 10, true);
    send('pointerup', 20, 40);
    expect(hands.zoomY).toHaveBeenCalledWith(40, 10);
  });

  test('a small move is a click, a double click resets', () => {
    const { hands, send } = build();
    send('pointerdown', 20, 10);
    send('pointerup', 22, 11);
    send('dblclick');
    expect(hands.click).toHaveBeenCalledWith(22, 11);
    expect(hands.reset).toHaveBeenCalledOnce();
    expect(hands.zoomX).not.toHaveBeenCalled();
  });

  test('nothing is heard once it is taken off', () => {
    const { hands, send, stop } = build();
    stop();
    send('pointermove', 5, 5);
    expect(hands.point).not.toHaveBeenCalled();
  });
});
