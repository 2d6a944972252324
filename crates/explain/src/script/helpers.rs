//! What compilers and bundlers add to a program of their own: functions and statements whose shape
//! changes from version to version.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::bytes::Regex;

/// Names of helpers, as TypeScript, Babel, swc, esbuild, rollup and webpack give them; bundlers may
/// add a number.
static NAMES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    const TYPESCRIPT: &str = "__(?:esModule|importDefault|importStar|createBinding|setModuleDefault|exportStar|awaiter|generator|asyncGenerator|asyncDelegator|asyncValues|await|decorate|esDecorate|runInitializers|propKey|setFunctionName|param|metadata|spreadArrays?|spread|rest|assign|extends|values|read|classPrivateField(?:Get|Set|In)|makeTemplateObject|addDisposableResource|disposeResources|rewriteRelativeImportExtension)";
    const ESBUILD: &str = "__(?:toESM|toCommonJS|commonJS|export|copyProps|reExport|defProp|defProps|defNormalProp|getOwnPropNames|getOwnPropDesc|getOwnPropDescs|getOwnPropSymbols|getProtoOf|hasOwnProp|propIsEnum|publicField|name|async|esm|require|objRest|spreadValues|spreadProps|markAsModule|privateAdd|privateGet|privateSet|privateMethod|accessCheck)";
    const BABEL: &str = "_(?:interopRequireDefault|interopRequireWildcard|interopDefault|interopDefaultLegacy|interopDefaultCompat|interopNamespace|interopNamespaceDefault|getRequireWildcardCache|classCallCheck|createClass|createSuper|defineProperty|defineProperties|defineEnumerableProperties|objectSpread2?|objectWithoutProperties(?:Loose)?|asyncToGenerator|asyncIterator|asyncGeneratorStep|toConsumableArray|arrayWithoutHoles|arrayWithHoles|arrayLikeToArray|iterableToArray(?:Limit)?|nonIterableSpread|nonIterableRest|slicedToArray|unsupportedIterableToArray|createForOfIteratorHelper(?:Loose)?|typeof|inherits|inheritsLoose|setPrototypeOf|getPrototypeOf|possibleConstructorReturn|assertThisInitialized|isNativeReflectConstruct|isNativeFunction|wrapNativeSuper|construct|callSuper|superPropGet|get|extends|taggedTemplateLiteral(?:Loose)?|toPropertyKey|toPrimitive|regenerator(?:Runtime|Define|Keys|Values|Async)?|applyDecoratedDescriptor|initializerDefineProperty|ownKeys|classPrivateField\\w{0,24}|wrapRegExp|readOnlyError|newArrowCheck|OverloadYield)";
    const SWC: &str = "_(?:interop_require_default|interop_require_wildcard|async_to_generator|class_call_check|create_class|define_property|object_spread(?:_props)?|object_without_properties(?:_loose)?|sliced_to_array|to_consumable_array|ts_decorate|ts_metadata|ts_param|ts_generator|ts_values|inherits|call_super|export|export_star)";
    const WEBPACK: &str = "__webpack_(?:require|exports|modules|module_cache)__|webpackUniversalModuleDefinition";
    const OTHERS: &str = "tslib(?:_[0-9]{1,3})?|tslib_es6|babelHelpers|regeneratorRuntime|ownKeys|asyncGeneratorStep";
    Regex::new(&format!(r"(?-u)^(?:{TYPESCRIPT}|{ESBUILD}|{BABEL}|{SWC}|{WEBPACK}|{OTHERS})(?:\$?[0-9]{{1,4}})?$")).ok()
});

/// Statements that are a compiler's and name no helper.
static STATEMENTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    const MARK: &str = r#"Object\.definePropert(?:y|ies)\(\s*(?:module\.)?exports\s*,\s*(?:["']__esModule["']|\{\s*__esModule\b[^;]{0,120}|Symbol\.toStringTag\b[^;]{0,60})[^;]{0,60}\);?"#;
    const INITIAL: &str = r"(?:exports\.[\w$]+\s*=\s*)+(?:void 0|undefined|exports|null);?";
    const ES_MODULE: &str = r"(?:module\.)?exports\.__esModule\s*=\s*(?:true|!0);?";
    Regex::new(&format!(r"(?-u)^(?:{MARK}|{INITIAL}|{ES_MODULE})$")).ok()
});

/// A name without the number that a bundler adds.
static WORDS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)\b_{1,2}[A-Za-z][A-Za-z_]{2,40}|\btslib\b|\bregeneratorRuntime\b").ok());

/// Whether a name is a helper's.
pub(super) fn is_helper(name: &str) -> bool {
    NAMES.as_ref().is_some_and(|names| names.is_match(name.as_bytes()))
}

/// Whether a statement's text is a compiler's own.
pub(super) fn is_boilerplate(statement: &str) -> bool {
    STATEMENTS.as_ref().is_some_and(|statements| statements.is_match(statement.as_bytes()))
}

/// The names of helpers that are in one of two texts only: in the published, in the rebuilt; none
/// where both have the same.
pub(super) fn only_one_has(published: &str, rebuilt: &str) -> Option<[Vec<String>; 2]> {
    let words = WORDS.as_ref()?;
    let [ours, theirs] = [published, rebuilt].map(|text| {
        let names = words.find_iter(text.as_bytes()).filter_map(|found| text.get(found.range()));
        names.filter(|name| is_helper(name)).collect::<BTreeSet<&str>>()
    });
    let alone = |a: &BTreeSet<&str>, b: &BTreeSet<&str>| a.difference(b).map(|name| (*name).to_owned()).collect::<Vec<_>>();
    (ours != theirs).then(|| [alone(&ours, &theirs), alone(&theirs, &ours)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(NAMES.is_some() && STATEMENTS.is_some() && WORDS.is_some());
    }

    #[test]
    fn helpers_are_known_by_name_with_or_without_a_number() {
        for name in [
            "__awaiter",
            "__esDecorate",
            "_interopRequireDefault",
            "_classCallCheck2",
            "_extends$1",
            "tslib_1",
            "__toESM",
            "_object_spread",
            "ownKeys",
        ] {
            assert!(is_helper(name), "{name}");
        }
        for name in ["_private", "__evil", "awaiter", "_", "extends", "_getSecret"] {
            assert!(!is_helper(name), "{name}");
        }
    }

    #[test]
    fn boilerplate_is_a_whole_statement() {
        for text in [
            r#"Object.defineProperty(exports, "__esModule", { value: true });"#,
            "exports.a = exports.b = void 0;",
            "exports.default = undefined",
            "exports.__esModule = true;",
            "Object.defineProperty(exports, '__esModule', {\n  value: true\n});",
        ] {
            assert!(is_boilerplate(text), "{text}");
        }
        for text in ["exports.a = steal();", "exports.a = void 0; steal();", r#"Object.defineProperty(exports, "a", { value: 1 });"#] {
            assert!(!is_boilerplate(text), "{text}");
        }
    }

    #[test]
    fn helpers_of_one_side_are_named() {
        assert_eq!(
            only_one_has("__decorate(a)", "__esDecorate(a)"),
            Some([vec!["__decorate".to_owned()], vec!["__esDecorate".to_owned()]])
        );
        assert_eq!(only_one_has("__decorate(a)", "__decorate(b)"), None);
    }
}
