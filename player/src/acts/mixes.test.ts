import { beforeEach, expect, it, vi } from 'vitest'
import type { Mix, Track } from '../api/types'
import { player } from '../engine'
import { track } from '../engine/fixtures'
import { server } from '../sound/fixtures'
import * as toasts from '../ui/toasts'
import { startMix } from './mixes'

let mix: Mix
const asked: string[] = []
server((request) => {
  asked.push(`${request.path}?${request.params.toString()}`)
  return mix ? { mix } : {}
})
const played: string[][] = []
const said: string[] = []
beforeEach(() => {
  played.length = said.length = 0
  vi.spyOn(player, 'playTracks').mockImplementation((tracks: readonly Track[]) => void played.push(tracks.map((one) => one.id)))
  vi.spyOn(toasts, 'toast').mockImplementation((text) => said.push(text))
})

const of = (fell_back: boolean, ...similarities: (number | null)[]): Mix => ({
  fell_back,
  items: similarities.map((similarity, at) => ({ track: track(`t${at}`), similarity })),
})

it.each([
  [of(false, 0.9, 0.8), '2 tracks like “Dub”.'],
  [of(true, 0.9, null), '2 tracks like “Dub”; where its sound found too few, by tags.'],
  [of(true, null), '1 track like “Dub”, by tags alone: its sound was not heard yet.'],
])('plays a mix and says how it was found', async (answer, words) => {
  mix = answer
  startMix('genre', 'Dub', 'Dub')
  await vi.waitFor(() => expect(said).toEqual([words]))
  expect(played).toEqual([answer.items.map((item) => item.track.id)])
  expect(asked.at(-1)).toBe('mix?type=genre&id=Dub&n=50')
})

it('says when there is nothing', async () => {
  mix = of(true)
  startMix('folder', 'one', 'Loops')
  await vi.waitFor(() => expect(said).toEqual(['Nothing that goes with “Loops” was found.']))
  expect(played).toEqual([])
})
