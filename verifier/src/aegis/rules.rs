//! Rules of Squad Aegis bundles. aegis-bundle.md §14.3, whose ids are public.
//!
//! Some rules of the norm are an error in most cases and a warning in one: `@milder` below. The rules named `source.*` are
//! ours: they are about Go source that compiles and starts nowhere.

use crate::problem::rules;

rules! { 4;
    // The document as JSON: §3.1, §3.9.
    JSON_SYNTAX "json.syntax" ParseError Error "not JSON", "correct the syntax at this place";
    JSON_BOM "json.bom" ParseError Error "byte-order mark", "save the file as UTF-8 without a byte-order mark: the host refuses it";
    JSON_TRAILING "json.trailing" ParseError Error "bytes after the document", "remove everything after the closing brace: the host refuses it";
    JSON_UTF8 "json.utf8" ParseError Error "not UTF-8", "save the file as UTF-8: the host's database refuses anything else";
    JSON_SURROGATE "json.surrogate" ParseError Error "half of a surrogate pair", "write the character itself: the host's database refuses half of a pair";
    JSON_NUL "json.nul" ParseError Error "\\u0000", "remove it: the host's database refuses it";
    JSON_DUPLICATE "json.duplicate" ParseError Error "member written twice", "keep one of the two: the host uses the last one, and merges repeated `targets`";
    JSON_NUMBER "json.number" ParseError Error "not a plain integer", "write plain digits: the host's database rewrites other numbers, and the signature no longer verifies at its next start";
    JSON_DEPTH "json.depth" ParseError Error "more than 64 levels", "nest at most 64 arrays and objects";
    JSON_MEMBER_CASE "json.member_case" ValidationError Error "member in another case", "write the name in lower case, once: the host matches it in any case";
    MEMBER_UNKNOWN "member.unknown" ValidationError Warning "unknown member", "remove it, or correct its name: the host ignores it";
    SCHEMA_TYPE "schema.type" ParseError Error "wrong type or missing", "give the member its type: texts quoted, numbers and true or false bare, authors as objects with a name";

    // Texts: §3.2, §3.7.
    TEXT_BLANK "text.blank" ValidationError Error "blank", "write at least one visible character";
    TEXT_PADDING "text.padding" ValidationError Error "blanks around it", "remove the blanks: the host compares the value as written";

    // Identity: §3.3 to §3.5.
    ID_CHARSET "id.charset" ValidationError Error "not an id", "use letters, digits, `.`, `_` and `-`, without `..`, and with a letter, digit or `-` at both ends";
    ID_RESERVED "id.reserved" ValidationError Error "id of a built-in extension", "choose an id of your own, like com.yourorg.plugins.name";
    ID_REVERSE_DNS "id.reverse_dns" ValidationError Warning "not a reverse-DNS id", "use an id like com.yourorg.plugins.name, so that no other extension can have it";
    VERSION_CHARSET "version.charset" ValidationError Error "not a version", "use letters, digits, `.`, `_` and `-`, no leading `v`, no `+`: for example 1.4.0 or 1.4.0-rc.1";
    VERSION_SEMVER "version.semver" ValidationError Warning "not a semantic version", "use MAJOR.MINOR.PATCH, as in 1.4.0";
    CONNECTOR_ALIAS "connector.alias" ValidationError Error "alias that cannot be used", "give each alias once, not blank, and none that a built-in connector owns";
    OFFICIAL_IGNORED "official.ignored" ValidationError Warning "has no effect", "leave it out or write false: every upload is stored as not official";

    // Targets: §3.7, §4.
    TARGETS_EMPTY "targets.empty" ValidationError Error "no target", "list at least one target";
    TARGETS_DUPLICATE "targets.duplicate" ValidationError Error "two targets for the same host", "keep one: system, architecture, API version and capabilities are all the same";
    TARGET_OS "target.os" ValidationError Error "not linux", "write `linux`: hosts run nothing else";
    TARGET_ARCH "target.arch" ValidationError Error "not a Go architecture", "write `amd64` or `arm64`";
    TARGET_API_VERSION "target.api_version" ValidationError Error "newer than any host", "write 1, or add a target of version 1 for the same system and architecture";
    CAPABILITY_UNKNOWN "capability.unknown" ValidationError Error "unknown capability", "use a name of the list of host API version 1, in lower case";
    CAPABILITY_REPEATED "capability.repeated" ValidationError Error "listed twice", "keep one of the two";
    CAPABILITY_BLANK "capability.blank" ValidationError Error "blank capability", "remove it";
    CAPABILITY_LEGACY "capability.legacy" ValidationError Warning "has no effect", "remove it: it gates nothing at run time";
    CAPABILITY_CONNECTOR "capability.connector" ValidationError Warning "connectors have no host API", "leave the list empty: a connector gets no host API and no events";
    SHA256_FORMAT "sha256.format" ValidationError Error "not a SHA-256", "write 64 lower-case hex digits, or REPLACE_WITH_BINARY_SHA256 to have it filled in when packing";
    SHA256_MISMATCH "sha256.mismatch" ValidationError Error "not the checksum of the file", "build and pack again, or write REPLACE_WITH_BINARY_SHA256 to have it filled in when packing";

    // Libraries: §3.8, §12.3, §14.2.
    LIBRARY_PATH "library.path" ValidationError Error "not a usable path", "write a clean relative path below bin/, as in bin/linux-amd64/name";
    LIBRARY_MISSING "library.missing" ValidationError Error "no such file in the bundle", "build this target, or correct the path";
    LIBRARY_SECRET_NAME "library.secret_name" ValidationError Error "named like a secret", "rename it: the host's signing tool takes it for a private key, and a real one must never be packed";
    LIBRARY_ZIP_SUFFIX "library.zip_suffix" ValidationError Error "ends in .zip", "rename it: the host's signing tool leaves it out";
    LIBRARY_BASENAME "library.basename" ValidationError Warning "renamed on the host", "use letters, digits, `.`, `_` and `-` in the file's name";
    LIBRARY_ELF "library.elf" ValidationError Error "not startable on the target", "build it with CGO_ENABLED=0 GOOS=linux and the target's GOARCH";

    // The Go source against the manifest: §4.2, §13, §19.4.
    CAPABILITY_UNUSED "capability.unused" ValidationError Warning "not used by the source", "remove it: operators read the list as what the extension may do";
    CAPABILITY_UNDECLARED "capability.undeclared" ValidationError Warning "not declared", "add the capability to required_capabilities of every target: without it the host answers each call with an error, and drops the events";
    DEFINITION_ID "definition.id" ValidationError Error "not the manifest's id", "let GetDefinition return exactly the manifest's id, from one constant: a host starts nothing else";
    DEFINITION_EVENTS "definition.events" ValidationError Warning "never delivered", "subscribe to event types by name, and declare their family in required_capabilities: the host drops all others silently";
    DEFINITION_CONNECTORS "definition.connectors" ValidationError Warning "connector not declared", "list the connector in RequiredConnectors or OptionalConnectors, and api.connector in the manifest: the host refuses all other calls";
    DEFINITION_SCHEMA "definition.schema" ValidationError Error "nested too deep", "nest fields at most 10 levels deep: the host does not start an extension with more";
    SOURCE_STDOUT "source.stdout" ValidationError Error "printed before Serve", "print to os.Stderr, or use the log handle: the first line on standard output is the handshake, and anything before it stops the start";
    SOURCE_OPTIONS "source.options" ValidationError Error "no such field", "write Options: the documentation says Enum, the SDK has Options";
    SOURCE_IMPORT "source.import" ValidationError Error "package of the host itself", "import pkg/pluginrpc or pkg/connectorrpc only: Go refuses the host's internal packages";

    // The signature: §7.2 to §7.4, §15.
    SIGN_KEY "sign.key" ValidationError Error "no usable key", "give the 88 characters of `aileron-pub aegis keys generate`, or PEM";
    SIGN_KEY_ID "sign.key_id" UsageError Error "no usable key id", "use up to 64 letters, digits, `.`, `_` and `-`, as in ops-key-2026-q1";
    SIGN_LIFETIME "sign.lifetime" UsageError Error "no usable lifetime", "give a positive Go duration, as in 8760h";
    SIGN_SAME_VERSION "sign.same_version" ValidationError Warning "version that hosts have", "raise the version, or have the package deleted on the host first: an upload of the same version and executable changes nothing there";

    // The container: §2.
    SIZE_ENTRY "size.entry" ValidationError Error "file over the upload limit", "make it smaller: build with -ldflags='-s -w'";
    SIZE_TOTAL "size.total" ValidationError Error "files over the read budget", "make them smaller: the metadata and one library must fit the upload limit and 1 MiB";
    SIZE_ZIP "size.zip" ValidationError Error "bundle over the upload limit", "leave architectures out, or build with -ldflags='-s -w'";
    ZIP_ENTRIES "zip.entries" ValidationError Error "more than 256 entries", "pack the metadata and the libraries only";
    ZIP_PATH "zip.path" ValidationError Error "unusable entry name", "use clean relative names, each once in any case";
    ZIP_LINK "zip.link" ValidationError Error "link", "put the file itself there: the host refuses links";
    ZIP_EXTRA "zip.extra" ValidationError Error "file that no bundle has", "remove it: a bundle has its metadata at the root and files below bin/";
    ZIP_METHOD "zip.method" ValidationError Error "unusable compression", "store or deflate entries, without encryption";
    ZIP_METADATA "zip.metadata" ValidationError Error "metadata file missing or misplaced", "put manifest.json at the root, and the three signing files beside it or none of them";
    ZIP_LAYOUT "zip.layout" ValidationError Error "not a plain zip file", "pack it again with `aileron-pub aegis pack`: readers must not be able to see different files in it";

    // Warnings of rules that are errors otherwise.
    @milder CONNECTOR_ALIAS_KEY of CONNECTOR_ALIAS "first legacy id becomes the storage key", "set `instance_key` too: without it the host stores instances under the first of `legacy_ids`";
    @milder TARGET_ARCH_RARE of TARGET_ARCH "unusual architecture", "hosts are published for amd64 and arm64 only";
    @milder TARGET_API_VERSION_FALLBACK of TARGET_API_VERSION "newer than any host", "no host takes this target yet; the one of version 1 beside it is used";
    @milder SHA256_CASE of SHA256_FORMAT "upper case", "write the hex digits in lower case";
    @milder LIBRARY_ELF_DYNAMIC of LIBRARY_ELF "may not start on the target", "build it with CGO_ENABLED=0";
    @milder LIBRARY_ELF_STRANGER of LIBRARY_ELF "not an extension of this kind", "call Serve of the SDK's package for the manifest's kind in main, or correct the manifest";
    @milder DEFINITION_ID_UNSEEN of DEFINITION_ID "the manifest's id is not in the binary", "let GetDefinition return exactly the manifest's id: a host refuses to run anything else";
    @milder DEFINITION_SCHEMA_TYPE of DEFINITION_SCHEMA "unknown field type", "use string, int, bool, object, arraystring, arrayint, arraybool or arrayobject";
    @milder SOURCE_IMPORT_OTHER of SOURCE_IMPORT "not the SDK of this kind", "a plugin imports pkg/pluginrpc and a connector pkg/connectorrpc; other packages of the host change without notice";
}
