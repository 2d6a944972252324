// The types for `require`: those of `import` below the function itself.
import type * as esm from './index.js' with { 'resolution-mode': 'import' };

declare const reproduce: typeof esm.reproduce & {
  readonly reproduce: typeof esm.reproduce;
  readonly reproduceMany: typeof esm.reproduceMany;
  readonly default: typeof esm.reproduce;
  readonly ReproduceError: typeof esm.ReproduceError;
};
declare namespace reproduce {
  type Code = esm.Code;
  type ReproduceError = esm.ReproduceError;
  type Verdict = esm.Verdict;
  type Strategy = esm.Strategy;
  type ReproduceOptions = esm.ReproduceOptions;
  type ProgressEvent = esm.ProgressEvent;
  type Evidence = esm.Evidence;
  type RegistrySignature = esm.RegistrySignature;
  type Provenance = esm.Provenance;
  type EarlierVersion = esm.EarlierVersion;
  type Finding = esm.Finding;
  type Recipe = esm.Recipe;
  type TarballRecipe = esm.TarballRecipe;
  type Submodule = esm.Submodule;
  type TakenHeaders = esm.TakenHeaders;
  type Tool = esm.Tool;
  type Toolchain = esm.Toolchain;
  type BuildRecipe = esm.BuildRecipe;
  type Attempt = esm.Attempt;
  type FileSide = esm.FileSide;
  type Comparison = esm.Comparison;
  type Explanation = esm.Explanation;
  type Likely = esm.Likely;
  type ReproduceResult = esm.ReproduceResult;
  type ReproduceManyOptions = esm.ReproduceManyOptions;
  type ReproducedLine = esm.ReproducedLine;
}
export = reproduce;
