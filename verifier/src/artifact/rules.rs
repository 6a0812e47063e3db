//! Rules of connectors, actions, suites and the repository that holds them.
//!
//! A new rule is one row here and the reader that reports it. Its id is public: `check --json` prints it, `--allow` takes it
//! if it is waivable, and it never changes its meaning.

use crate::problem::rules;

rules! { 2;
    // The file itself: artifacts.md §3 and §12.
    SOURCE_FILE "source-file" ValidationError Error "a regular file of the repository is expected here", "commit the file itself, below the repository's root: not a link that leads out, a submodule or an LFS pointer";
    FRONT_MATTER "front-matter" ParseError Error "front matter expected here", "start the file with a line `+++`, then TOML, then a line `+++`, then the Markdown body";

    // Connector manifest: artifacts.md §2.
    IDEMPOTENCY "idempotency" ValidationError Error "unknown idempotency", "write `idempotent` or `not_idempotent`";
    HOST "network-host" ValidationError Error "not a host:port", "write each host as a lower-case `host:port`: no scheme, path or wildcard, port 1 to 65535";
    HOST_DUPLICATE "network-host-duplicate" ValidationError Error "listed twice", "keep one of the two";
    CREDENTIAL_KIND "credential-kind" ValidationError Error "unknown credential kind", "write `api_key`, `oauth2` or `aws_sigv4`";
    CREDENTIAL_FIELD "credential-field" ValidationError Error "field of another credential kind", "remove the field: it has no meaning for this credential kind";
    CREDENTIAL_HEADER "credential-header" ValidationError Error "not a header name", "write an HTTP header name (RFC 9110 token)";
    CREDENTIAL_FORMAT "credential-format" ValidationError Error "not a usable format", "write a one-line text that contains {key}";
    CREDENTIAL_TEXT "credential-text" ValidationError Error "not usable in a request", "write one non-blank line without CR or LF";
    OAUTH_TABLE "oauth2-table" ValidationError Error "oauth2 settings", "kind `oauth2` needs [capabilities.credential.oauth2]; other kinds must not have it";
    OAUTH_URL "oauth2-url" ValidationError Error "not an https URL", "write an https:// URL (http:// only to localhost or 127.0.0.1)";
    OAUTH_CLIENT_ID "oauth2-client-id" ValidationError Error "client id", "put in the client id of the OAuth app you registered";
    OAUTH_CLIENT_SECRET "oauth2-client-secret" ValidationError Error "a secret in source", "write `bound-at-release` and give the value at release; if the old value was pushed, revoke it";
    OAUTH_SCOPES "oauth2-scopes" ValidationError Error "scopes", "list at least one scope, none of them blank";
    SPAWN_PROGRAM "spawn-program" ValidationError Error "program", "give each program an absolute or ~/ path";
    SPAWN_OPERATION "spawn-operation" ValidationError Error "operation", "name operations like `list_files` and give each a non-blank argv";
    SPAWN_ENVIRONMENT "spawn-environment" ValidationError Error "environment", "name variables like `HOME`; credential keys must also be in env_passthrough";
    SPAWN_PATH "spawn-path" ValidationError Error "not an absolute path", "write an absolute path, or one that starts with ~/";
    SPAWN_LIMIT "spawn-limit" ValidationError Error "limit out of range", "write a number of bytes from 1 to 67108864";

    // Action: artifacts.md §3.
    ACTION_NAME "action-name" ValidationError Error "not an action name", "use lower-case letters, digits, `.`, `_` and `-`, starting with a letter or digit";
    ACTION_SOURCE "action-source" ValidationError Error "source does not name this action", "write <connector>/actions/<name>@<version> with this action's own name and version";
    REQUIRES "requires-connectors" ValidationError Error "required connectors", "list at least one connector with name, version, hash and capabilities";
    CAPABILITIES "capabilities" ValidationError Error "capabilities", "list at least one capability, none of them blank";
    INTENT_EMPTY "intent-empty" ValidationError Waivable "empty intent", "say in a few words what the action is for: it is what the agent matches on";
    INPUT_NAME "input-name" ValidationError Waivable "not an input name", "use lower-case letters, digits and `_`, starting with a letter";
    INPUT_TYPE "input-type" ValidationError Waivable "unknown input type", "write string, integer, number, boolean, array or object";
    INPUT_DUPLICATE "input-duplicate" ValidationError Waivable "input named twice", "give each input a name of its own";
    INPUT_DESCRIPTION "input-description" ValidationError Waivable "blank description", "describe the input: it is what the agent sees";
    INPUT_LABEL "input-label" ValidationError Error "blank label", "write a label, or leave the key out";
    INPUT_MULTILINE "input-multiline" ValidationError Error "multiline needs type string", "remove `multiline`, or make the type `string`";
    INPUT_ITEMS_TYPE "input-items-type" ValidationError Error "items_type", "items_type goes with type `array` and is string, integer, number, boolean or object";
    STEP_ID "step-id" ValidationError Error "step id", "give each step a non-empty id of its own";
    STEP_CONNECTOR "step-connector" ValidationError Error "connector is not required above", "list the connector under [[requires.connectors]]";
    STEP_OP "step-op" ValidationError Error "no operation", "name the connector operation this step calls";
    ARG_REFERENCE "arg-reference" ValidationError Error "not a declared input", "declare the input under [[inputs]], or correct the name in ${args.NAME}";
    STEP_REFERENCE "step-reference" ValidationError Error "not an earlier step", "refer to the id of a step above this one";
    PREVIEW "approval-preview" ValidationError Error "approval preview", "a preview needs an op and a render map from label to path";

    // Over all actions of a repository: artifacts.md §3, bundle rules.
    ACTION_DUPLICATE "action-duplicate" ValidationError Error "two actions with this name", "give each action a name of its own";
    PREVIEW_OP "preview-op" ValidationError Error "preview op is not read-only", "preview with an op some action declares `idempotent = true` and none gates with approval";

    // Suite: artifacts.md §4.
    SUITE_FORM "suite" ValidationError Error "suite", "give the suite a name, a description and a non-empty list of actions";
    SUITE_MEMBER "suite-member" ValidationError Error "suite and actions differ", "list every directory under actions/ once, as `actions/<name>`";

    // The repository as a whole: artifacts.md §3 [N], §5, §12.
    ACTION_DIRECTORY "action-directory" ValidationError Error "directory and action differ", "name the directory after the action, with an action.md in it";
    PLACEHOLDER "placeholder" ValidationError Error "neither the placeholder nor the release version", "put the placeholder back; the release fills it in";
    PLACEHOLDER_LEFT "placeholder-left" ValidationError Error "a placeholder would be published", "only the fields of artifacts.md §5 are bound; write a real value here";
    PUBLISHER_KEY "publisher-key" ValidationError Error "not a usable public key", "put back the committed key, or run `aileron-pub keys generate` and commit keys/publisher.pub";
    MODULE_FEATURE "module-feature" ValidationError Error "not WebAssembly 2.0", "build for wasip1 with the default features of the toolchain; sandbox.md §2.3 lists what is supported";
    MODULE_IMPORT "module-import" ValidationError Error "import no host offers", "import only from `aileron_host` and `wasi_snapshot_preview1`, as sandbox.md §2 lists them";
    MODULE_EXPORT "module-export" ValidationError Error "not a connector module", "export the function `_start` and the memory `memory` (GOOS=wasip1 does)";
    RUNTIME_IMPORTS "runtime-imports" ValidationError Error "module imports more than is declared", "add the function to [capabilities.runtime] imports";

    // Legitimate variations, said and passed over.
    EMPTY_BODY "empty-body" ValidationError Warning "empty body", "write what the action does and when to use it: the agent reads it";
    CAPABILITY_OP "capability-op" ValidationError Warning "capability is not the op", "list the op this action calls";
    IDEMPOTENT_MISSING "idempotent-missing" ValidationError Warning "idempotent not said", "write `idempotent = true` or `false` so that retries are decided by you";
    SCOPE_MISSING "scope-missing" ValidationError Warning "no scope text", "say in `scope` what the credential is used for: users see it when they consent";
    RUNTIME_MISSING "runtime-missing" ValidationError Warning "host functions not declared", "declare [capabilities.runtime] imports to narrow what the sandbox links";
    REGION_IN_MANIFEST "sigv4-region" ValidationError Warning "the binding decides this", "leave region and access_key_id to the user's binding, which wins anyway";
    HOST_UNUSED "host-unused" ValidationError Warning "granted and never used", "remove what the module cannot use: it imports no `http_request`";
    PUBLISHER_KEY_MISSING "publisher-key-missing" ValidationError Warning "no publisher key", "run `aileron-pub keys generate` and commit keys/publisher.pub";
    README_FINGERPRINT "readme-fingerprint" ValidationError Warning "not the key's fingerprint", "write the fingerprint that `aileron-pub keys show` prints between the two comments: users compare it";
    REMOTE_CASE "remote-case" ValidationError Warning "differs from the git remote in case only", "write owner and repo exactly as the forge does: trust is case-sensitive";
    REMOTE_NAME "remote-name" ValidationError Warning "differs from the git remote", "release from the repository the connector is named after, or correct the name";

    // What a publisher settles for a repository: `aileron-pub.toml`.
    CONFIG "config" ValidationError Error "not a usable setting", "README lists what aileron-pub.toml may say; remove the line to go back to the default";
}
