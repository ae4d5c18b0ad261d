/** The browser's own store: events not yet acknowledged, and the queue. Where there is none (some private windows), memory stands in. */

const NAME = 'segue'
const VERSION = 1
const STORES = { outbox: 'event_id', kept: 'name' } as const

export type StoreName = keyof typeof STORES

export interface Table {
  all<T>(store: StoreName): Promise<T[]>
  get<T>(store: StoreName, key: string): Promise<T | undefined>
  put(store: StoreName, values: readonly object[]): Promise<void>
  remove(store: StoreName, keys: readonly string[]): Promise<void>
}

function settle<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('The browser’s store refused.'))
  })
}

function open(factory: IDBFactory): Promise<IDBDatabase> {
  const request = factory.open(NAME, VERSION)
  request.onupgradeneeded = () => {
    for (const [name, keyPath] of Object.entries(STORES)) {
      if (!request.result.objectStoreNames.contains(name)) request.result.createObjectStore(name, { keyPath })
    }
  }
  return settle(request)
}

function committed(change: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    change.oncomplete = () => resolve()
    change.onerror = change.onabort = () => reject(change.error ?? new Error('The browser’s store refused.'))
  })
}

class Indexed implements Table {
  constructor(private readonly db: IDBDatabase) {}

  all<T>(store: StoreName): Promise<T[]> {
    return settle(this.db.transaction(store).objectStore(store).getAll() as IDBRequest<T[]>)
  }

  get<T>(store: StoreName, key: string): Promise<T | undefined> {
    return settle(this.db.transaction(store).objectStore(store).get(key) as IDBRequest<T | undefined>)
  }

  put(store: StoreName, values: readonly object[]): Promise<void> {
    const change = this.db.transaction(store, 'readwrite')
    for (const value of values) change.objectStore(store).put(value)
    return committed(change)
  }

  remove(store: StoreName, keys: readonly string[]): Promise<void> {
    const change = this.db.transaction(store, 'readwrite')
    for (const key of keys) change.objectStore(store).delete(key)
    return committed(change)
  }
}

export class Memory implements Table {
  private readonly stores: Record<StoreName, Map<string, object>> = { outbox: new Map(), kept: new Map() }

  async all<T>(store: StoreName): Promise<T[]> {
    return [...this.stores[store].values()] as T[]
  }

  async get<T>(store: StoreName, key: string): Promise<T | undefined> {
    return this.stores[store].get(key) as T | undefined
  }

  async put(store: StoreName, values: readonly object[]): Promise<void> {
    for (const value of values) this.stores[store].set((value as Record<string, string>)[STORES[store]] ?? '', value)
  }

  async remove(store: StoreName, keys: readonly string[]): Promise<void> {
    for (const key of keys) this.stores[store].delete(key)
  }
}

let opened: Promise<Table> | null = null

export async function openTable(factory: IDBFactory | undefined = globalThis.indexedDB): Promise<Table> {
  if (!factory) return new Memory()
  try {
    return new Indexed(await open(factory))
  } catch {
    return new Memory()
  }
}

/** The one store of this page. */
export function table(): Promise<Table> {
  opened ??= openTable()
  return opened
}
