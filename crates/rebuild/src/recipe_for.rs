//! The beginning of a recipe: what is known before anything is packed.

use origin::Origin;
use recipe::{Checkout, RECIPE_VERSION, Recipe, Strategy};

use crate::Published;

/// A recipe for one origin, without the part that says how it is packed.
pub fn recipe_for(strategy: Strategy, package: &Published, repository: &str, origin: &Origin) -> Recipe {
    let manifest = package.manifest();
    let text = |key: &str| manifest.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Recipe {
        schema_version: RECIPE_VERSION,
        strategy,
        name: text("name"),
        version: text("version"),
        repository: repository.to_owned(),
        commit: origin.commit.to_string(),
        directory: origin.directory().to_owned(),
        checkout: Checkout::Posix,
        rewrite: String::new(),
        file_list: String::new(),
        packer: String::new(),
        submodules: Vec::new(),
        build: None,
        tarball: None,
    }
}
