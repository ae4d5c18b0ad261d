/** Going somewhere from outside a component. The shell hands in the router's own function. */
type Navigate = (to: string) => void

let navigate: Navigate = () => undefined

export function navigateWith(next: Navigate): void {
  navigate = next
}

export function go(to: string): void {
  navigate(to)
}
