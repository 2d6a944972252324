// Type-checked, never run: CommonJS. Under node16 resolution a CommonJS file may only import a module dynamically.
async function main(): Promise<boolean> {
  const { reproduce } = await import('reproduce');
  const { reproduced } = await reproduce('semver@7.7.4');
  return reproduced;
}
void main();
