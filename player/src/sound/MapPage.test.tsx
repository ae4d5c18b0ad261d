import { QueryClientProvider } from '@tanstack/react-query'
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react'
import { MemoryRouter } from 'react-router'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { queryClient } from '../api/queries'
import type { LibraryMap, Track } from '../api/types'
import { player } from '../engine'
import { track } from '../engine/fixtures'
import { server } from './fixtures'
import MapPage from './MapPage'

const ready: LibraryMap = {
  space: 'descriptor',
  state: 'ready',
  ids: ['left', 'middle', 'right', 'far', 'low'],
  x: [-0.5, 0, 0.5, 0.9, -0.9],
  y: [0, 0, 0, 0.9, -0.9],
  genre: [0, 0, 1, -1, -1],
  genres: ['Drone', 'Dub'],
}
let map: LibraryMap | undefined = ready
const drawn: unknown[] = []
const played: string[][] = []

server((asked) => {
  const { ids = [], tracks = [] } = (asked.body ?? {}) as { ids?: string[]; tracks?: string[] }
  if (asked.path === 'path') drawn.push(asked.body)
  return {
    map,
    path: { fell_back: false, items: tracks.flatMap((id) => [id, `${id} on`]).map((id) => ({ track: track(id), similarity: 0.5 })) },
    'tracks/by-id': { items: ids.map((id) => track(id)), total: ids.length },
    ...Object.fromEntries(ready.ids.map((id) => [`tracks/${id}`, track(id)])),
  }
})
beforeEach(() => {
  map = ready
  played.length = 0
  queryClient.clear()
  vi.spyOn(player, 'playTracks').mockImplementation((tracks: readonly Track[]) => void played.push(tracks.map((one) => one.id)))
  vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(636)
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(636)
})
afterEach(cleanup)

async function show() {
  render(
    <QueryClientProvider client={queryClient}>
      <MemoryRouter>
        <MapPage />
      </MemoryRouter>
    </QueryClientProvider>,
  )
  return screen.findByRole('application')
}

// The outermost points are 48 pixels from the edges: 300 pixels to a unit, the middle at 318.
function press(plot: HTMLElement, type: 'pointerDown' | 'pointerMove' | 'pointerUp', clientX: number, clientY: number) {
  const event = new MouseEvent(type.toLowerCase(), { bubbles: true, clientX, clientY, button: 0 })
  Object.assign(event, { pointerId: 1, pointerType: 'mouse' })
  fireEvent(plot, event)
}

it('says what lies there, and plays it', async () => {
  const plot = await show()
  expect(screen.getByText('5 tracks; what sounds alike lies together')).toBeTruthy()
  expect(screen.getByRole('button', { name: 'Drone 2' })).toBeTruthy()
  press(plot, 'pointerMove', 318 + 150, 316)
  await screen.findByText('Title right')
  press(plot, 'pointerDown', 318 + 150, 316)
  press(plot, 'pointerUp', 318 + 150, 316)
  await waitFor(() => expect(played).toEqual([['right']]))
})

it('is walked and played by keys', async () => {
  const plot = await show()
  fireEvent.keyDown(plot, { key: 'ArrowRight' })
  fireEvent.keyDown(plot, { key: 'ArrowRight' })
  fireEvent.keyDown(plot, { key: 'ArrowRight' })
  expect((await screen.findByText('Title right')).closest('[role=status]')).not.toBeNull()
  fireEvent.keyDown(plot, { key: 'Enter' })
  await waitFor(() => expect(played).toEqual([['right']]))
})

it('a drawn path becomes the queue, in its order, with near tracks between', async () => {
  const plot = await show()
  fireEvent.click(screen.getByRole('button', { name: 'Draw a path to listen along' }))
  press(plot, 'pointerDown', 318 + 200, 318)
  for (let x = 500; x >= 100; x -= 40) press(plot, 'pointerMove', x, 320)
  press(plot, 'pointerUp', 100, 320)
  fireEvent.click(await screen.findByRole('button', { name: 'Listen along' }))
  await waitFor(() => expect(played).toEqual([['right', 'right on', 'middle', 'middle on', 'left', 'left on']]))
  expect(drawn).toEqual([{ tracks: ['right', 'middle', 'left'], n: 50 }])
})

it('waits for a map that is being drawn, and does without one', async () => {
  map = { ...ready, state: 'pending', ids: [], x: [], y: [], genre: [], genres: [] }
  void show().catch(() => undefined)
  await screen.findByText('The map is being drawn')
  cleanup()
  map = undefined
  queryClient.clear()
  void show().catch(() => undefined)
  await screen.findByText('No map yet')
})
