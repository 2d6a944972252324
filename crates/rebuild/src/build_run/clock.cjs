// Loaded into every Node of a build whose clock stands at another time: `Date` is shifted, and runs
// on from there.
'use strict';
const shift = Number(process.env.REPRODUCE_CLOCK_SHIFT);
if (Number.isFinite(shift) && shift !== 0) {
  const Real = Date;
  const now = () => Real.now() + shift;
  const Shifted = new Proxy(Real, {
    construct: (target, args, own) => Reflect.construct(target, args.length === 0 ? [now()] : args, own),
    apply: () => new Real(now()).toString(),
    get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
  });
  Real.prototype.constructor = Shifted;
  globalThis.Date = Shifted;
}
