/** One listener's devices, kept in step. */
export { DevicesButton } from './DevicesButton'
export { OtherDevice } from './OtherDevice'
export { controls, live, usePlaysElsewhere } from './live'
