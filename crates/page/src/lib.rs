//! Many results at a glance: figures, and one HTML page that holds them all.
//!
//! In: lines of `reproduce survey`, each as `schema/survey.schema.json` describes it. Out: the
//! [`Figures`] as JSON or Markdown, and a [`Page`] that asks nothing of the network and runs no
//! script but its own. Whoever wrote a package, a README or a log has a say in the lines: nothing
//! of theirs is markup here, and everything is cut to a size.

mod change;
mod detail;
mod embed;
mod entry;
mod figures;
mod html;
mod lines;
mod markdown;
#[cfg(test)]
mod tests;
mod text;
mod totals;

pub use change::{Change, Changes, Earlier};
pub use entry::{Entry, Vouched};
pub use figures::{Counts, Facet, Figures, Share};
pub use html::{MOST_ROWS, Page, Run};
pub use lines::{LONGEST_LINE, Lines};
pub use markdown::markdown;
pub use text::text;
pub use totals::Totals;
