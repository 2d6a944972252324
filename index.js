// The same for `import`: index.cjs leads to the program.
import reproduce from './index.cjs';

export const { ReproduceError, reproduceMany } = reproduce;
export { reproduce };
export default reproduce;
