import { QueryClientProvider } from '@tanstack/react-query'
import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react'
import { MemoryRouter, Route, Routes } from 'react-router'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { queryClient } from '../api/queries'
import type { Analysis, SoundValue } from '../api/types'
import { player } from '../engine'
import { track } from '../engine/fixtures'
import { server, session, status } from './fixtures'
import TrackPage from './TrackPage'

let analysis: Analysis
let admin = true
const patched: unknown[] = []
const ways: string[] = []

function value(of: number, more: Partial<SoundValue> = {}): SoundValue {
  return { value: of, confidence: 0.8, origin: 'measured', percentile: null, measured: null, ...more }
}

const heard: Analysis = {
  state: 'done',
  version: 1,
  error: null,
  values: {
    tempo_bpm: value(120.04, { percentile: 61.5 }),
    key: value(9),
    mode: value(0),
    loudness_lufs: value(-9.2, { percentile: 83 }),
    energy: value(0.7, { percentile: 83.2, confidence: 0.6 }),
    cue_in_s: value(2),
  },
  camelot: '8A',
  tags: [{ name: 'ambient', probability: 0.42 }],
  tagger: 'musicnn',
  beats_s: [0, 0.5, 1, 1.5, 2],
  downbeats_s: [0, 2],
  sections: [
    { start_s: 0, end_s: 60, label: 'A', energy: 0.4 },
    { start_s: 60, end_s: 180, label: 'B', energy: 1 },
  ],
  waveform: [10, 200, 255, 40],
  findings: [{ kind: 'clipped', message: 'It is clipped in 12 places.' }],
  duplicates: ['copy'],
}

server((request) => {
  if (request.method === 'PATCH') {
    patched.push(request.body)
    analysis = { ...analysis, values: { ...analysis.values, tempo_bpm: value(60, { origin: 'corrected', measured: 120.04 }) } }
  }
  if (request.path === 'path') ways.push(request.params.toString())
  return {
    session: session(admin),
    'tracks/one': track('one', { genres: ['Drone'] }),
    'tracks/one/analysis': analysis,
    analysis: status,
    search: { artists: [], releases: [], tracks: [track('far')], playlists: [] },
    path: { fell_back: request.params.get('n') === '10', items: ['one', 'between', 'far'].map((id) => ({ track: track(id), similarity: 0.5 })) },
    'similar/one': { space: 'descriptor', items: [{ track: track('two'), similarity: 0.9 }] },
    'tracks/by-id': { items: [track('copy', { suffix: 'mp3', codec: 'mp3', bitrate_kbps: 128, release: 'A Sampler' })], total: 1 },
  }
})
beforeEach(() => {
  analysis = heard
  admin = true
  patched.length = 0
  queryClient.clear()
})
afterEach(cleanup)

function show() {
  render(
    <QueryClientProvider client={queryClient}>
      <MemoryRouter initialEntries={['/tracks/one']}>
        <Routes>
          <Route path="tracks/:id" element={<TrackPage />} />
        </Routes>
      </MemoryRouter>
    </QueryClientProvider>,
  )
}

it('tells what was measured, guessed and found, in words', async () => {
  show()
  await screen.findByText('120.0 BPM')
  for (const text of [
    'A minor',
    '8A',
    'Louder than 83 % of your library',
    'More energetic than 83 % of your library · confidence 60 %',
    'It is clipped in 12 places.',
    'Guessed from the sound by musicnn; these can be wrong',
    'Drone',
    '5 beats in 2 bars were heard; zoom in to see them.',
  ]) {
    expect(screen.getByText(text)).toBeTruthy()
  }
  const sections = screen.getByRole('list', { name: /Sections/ })
  expect(within(sections).getAllByRole('listitem').map((each) => each.textContent)).toEqual([
    'A0:00–1:00energy 40\u00a0%',
    'B1:00–3:00energy 100\u00a0%',
  ])
  expect((await screen.findByText('Title copy · A Sampler')).getAttribute('href')).toBe('/tracks/copy')
})

it('lets an admin correct a value, shows what was measured, and goes back', async () => {
  show()
  fireEvent.click(await screen.findByRole('button', { name: 'Correct values' }))
  const dialog = document.querySelector('dialog[open]') as HTMLDialogElement
  fireEvent.change(within(dialog).getByLabelText('Tempo (BPM)'), { target: { value: '60' } })
  fireEvent.submit(dialog.querySelector('form') as HTMLFormElement)
  await screen.findByText(/corrected by hand/)
  expect(screen.getByText('60.0 BPM')).toBeTruthy()
  expect(screen.getByText(/measured 120.0 BPM/)).toBeTruthy()
  fireEvent.click(screen.getByRole('button', { name: /Undo the correction of tempo/ }))
  await waitFor(() => expect(patched).toEqual([{ values: { tempo_bpm: 60 } }, { values: { tempo_bpm: null } }]))
})

it('leads to another track, and says where sound was not known', async () => {
  const played = vi.spyOn(player, 'playTracks').mockImplementation(() => undefined)
  show()
  fireEvent.click(await screen.findByRole('button', { name: 'Choose a track' }))
  fireEvent.change(await screen.findByLabelText('Search your tracks'), { target: { value: 'far' } })
  fireEvent.click(await screen.findByRole('button', { name: /Title far/ }))
  await screen.findByText('A path to Title far')
  fireEvent.click(await screen.findByRole('button', { name: 'Play the path' }))
  expect(played.mock.calls[0]?.[0].map((each) => each.id)).toEqual(['one', 'between', 'far'])
  fireEvent.change(screen.getByLabelText('Length'), { target: { value: '10' } })
  await screen.findByText(/some were chosen by tags/)
  expect(ways).toEqual(['from=one&to=far&n=25', 'from=one&to=far&n=10'])
  played.mockRestore()
})

it('offers corrections to nobody else', async () => {
  admin = false
  analysis = { ...heard, values: { tempo_bpm: value(60, { origin: 'corrected', measured: 120 }) } }
  show()
  await screen.findByText('60.0 BPM')
  expect(screen.queryByRole('button', { name: 'Correct values' })).toBeNull()
  expect(screen.queryByRole('button', { name: /Undo/ })).toBeNull()
})

it('says that it has not listened yet, and how far it is', async () => {
  analysis = { ...heard, state: 'pending', values: {} }
  show()
  await screen.findByText('Not listened to yet')
  await screen.findByText(/4 of 10 tracks; about 6 min left/)
})

it('says why it failed, and offers another try', async () => {
  analysis = { ...heard, state: 'failed', error: 'The file ends too early.', values: {} }
  show()
  await screen.findByText(/The file ends too early/)
  expect(await screen.findByRole('button', { name: 'Try what failed again' })).toBeTruthy()
})
