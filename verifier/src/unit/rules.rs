//! Rules of CLI-capability units: what a reader refuses (`CU…`, cli-unit.md §8) and what a publisher should know (`CL…`,
//! cli-unit.md §11).
//!
//! The ids are the specification's. `CL154` is ours: builders have cut a longer line of an image label without a word.

use crate::problem::rules;

rules! { 3;
    // What a reader refuses: cli-unit.md §8.
    CU001 "CU001" ParseError Error "malformed or empty document", "write one YAML or JSON document with a mapping at its root";
    CU002 "CU002" ParseError Error "unknown field", "remove the field, or check its spelling: names are case-sensitive and the schema is closed";
    CU003 "CU003" ParseError Error "wrong type", "give the value the type the message names";
    CU004 "CU004" ParseError Error "key is there twice", "keep one of the two";
    CU010 "CU010" ValidationError Error "name is missing", "set `name` to the tool's name, such as `gh`";
    CU011 "CU011" ValidationError Error "key is missing", "set `key` to the vault key, such as `user/github`";
    CU012 "CU012" ValidationError Error "malformed key", "write `key: <kind>/<service>`, such as `user/github`";
    CU013 "CU013" ValidationError Error "derived from key", "remove `store_at`: it is the key";
    CU014 "CU014" ValidationError Error "derived from key", "remove `credential_ref`: it is the key";
    CU015 "CU015" ValidationError Error "derived from key", "remove `kind`: it is the first segment of the key";
    CU016 "CU016" ValidationError Error "derived from key", "remove `credential_ref` from the sealing entry: it is the unit's key";
    CU017 "CU017" ValidationError Error "reserved mode", "write `mode: device-flow`; a token one has already is stored with `aileron vault put`";
    CU018 "CU018" ValidationError Error "reserved plane", "remove `state`";
    CU020 "CU020" ValidationError Error "container_name is missing", "set `acquisition.container_name`, such as `aileron-auth-gh`";
    CU021 "CU021" ValidationError Error "login_cmd is missing", "set `acquisition.login_cmd` to the command that logs in, as a list";
    CU022 "CU022" ValidationError Error "empty argument", "remove the empty element";
    CU023 "CU023" ValidationError Error "token_cmd is missing", "set `acquisition.token_cmd` to the command that prints the token, as a list";
    CU024 "CU024" ValidationError Error "empty argument", "remove the empty element";
    CU030 "CU030" ValidationError Error "placeholder of a template", "put in the real value";
    CU031 "CU031" ValidationError Error "host is missing", "set `host` to the name requests go to";
    CU032 "CU032" ValidationError Error "scheme is missing", "set `scheme` to bearer, basic, header-template or query-param";
    CU033 "CU033" ValidationError Error "unknown scheme", "write bearer, basic, header-template or query-param, in lower case";
    CU034 "CU034" ValidationError Error "unknown mechanism", "write `inject` or `sentinel-swap`; the letters A and B are no longer read";
    CU035 "CU035" ValidationError Error "sentinel is missing", "add `sentinel: {value: …, env: …}`";
    CU036 "CU036" ValidationError Error "sentinel without value", "set `sentinel.value` to a placeholder with AILERONSENTINEL in it, never to a token";
    CU037 "CU037" ValidationError Error "sentinel without env", "set `sentinel.env` to the variable the tool reads its token from";
    CU038 "CU038" ValidationError Error "sentinel has no meaning here", "remove the block, or write `emit_mechanism: sentinel-swap`";
    CU039 "CU039" ValidationError Error "username is missing", "set `username`, such as `x-access-token` for git at GitHub";
    CU040 "CU040" ValidationError Error "header is missing", "set `header` to the header's name";
    CU041 "CU041" ValidationError Error "template is missing", "set `template`, with {token} where the credential goes";
    CU042 "CU042" ValidationError Error "query_param is missing", "set `query_param` to the parameter's name";
    CU043 "CU043" ValidationError Error "not expressible in a unit", "use another scheme: a unit has no access key id to sign with";
    CU044 "CU044" ValidationError Error "wildcard host", "write `*.<domain.tld>`, with at least two labels behind the `*.`";
    CU045 "CU045" ValidationError Error "stray wildcard", "write the host without `*`, or `*.` in front of a domain";
    CU046 "CU046" ValidationError Error "key is not a credential reference", "write `user/<service>` or `<kind>/<service>/<identity>`, in lower case";
    CU047 "CU047" ValidationError Error "host is blank", "set `host` to the name requests go to";
    CU050 "CU050" ParseError Error "label is not a JSON array", "if the label is one object: devcontainer CLI before 0.86.0 wrote a lone entry that way; rebuild the image with a newer one";
    CU051 "CU051" ParseError Error "wrong type in the label", "entries of the label, their `customizations` and its `aileron` are objects; rebuild the image";

    // What a publisher should know, of a unit: cli-unit.md §11.
    CL100 "CL100" ValidationError Error "mode is not device-flow", "write `mode: device-flow`, the only mode there is";
    CL101 "CL101" ValidationError Warning "key of no known form", "write `user/<service>` or `<kind>/<service>/<identity>`: with a sealing entry nothing else is accepted";
    CL102 "CL102" ValidationError Error "derived field, declared empty", "remove the field: it follows from the key";
    CL103 "CL103" ValidationError Warning "not written as text", "put the value in quotes";
    CL104 "CL104" ValidationError Error "null in a list", "remove the item: readers drop it silently";
    CL105 "CL105" ValidationError Error "host twice in one unit", "keep one entry per host: only one of them is used";
    CL106 "CL106" ValidationError Warning "not a plain host name", "write a lower-case host name, without scheme, port or path: nothing else ever matches";
    CL107 "CL107" ValidationError Warning "parameter without meaning", "remove it: the entry's scheme does not use it";
    CL108 "CL108" ValidationError Error "template without {token}", "put {token} where the credential goes: otherwise it is not sent";
    CL109 "CL109" ValidationError Error "not a variable name", "write letters, digits and underscores, no digit first";
    CL110 "CL110" ValidationError Warning "sentinel without its mark", "put AILERONSENTINEL into the value; if this is a real token, revoke it now";
    CL111 "CL111" ValidationError Error "one variable, two values", "use one sentinel value per variable: a variable can hold one only";
    CL112 "CL112" ValidationError Error "not a header name", "write an HTTP header name (RFC 9110 token)";
    CL113 "CL113" ValidationError Warning "unusual parameter name", "use letters, digits, `.`, `_`, `~` and `-`";
    CL114 "CL114" ValidationError Error "not NAME=value", "write the variable and its value, such as GH_CONFIG_DIR=/cfg";
    CL115 "CL115" ValidationError Error "not a container name", "use letters, digits, `.`, `_` and `-`, at least two, a letter or digit first";
    CL116 "CL116" ValidationError Warning "unusual name", "use lower-case letters, digits, `.`, `_` and `-`";
    CL117 "CL117" ValidationError Note "not the base image", "nothing depends on it yet";
    CL118 "CL118" ValidationError Error "placeholder of a template", "put in the real value";
    CL119 "CL119" ValidationError Warning "variable that nobody substitutes", "write the value itself: readers take `${…}` as it stands";
    CL120 "CL120" ValidationError Warning "never read", "remove what follows the first document";
    CL121 "CL121" ValidationError Warning "no sealing", "add a sealing entry: the credential is acquired and nothing uses it";

    // Of the Feature that carries it: cli-unit.md §11 and §12.1.
    CL130 "CL130" ValidationError Error "member is missing", "a Feature needs `id`, `version` and `name`, each a text";
    CL131 "CL131" ValidationError Error "id and folder differ", "name the folder as the id, both in lower case";
    CL132 "CL132" ValidationError Error "not MAJOR.MINOR.PATCH", "write three numbers, such as 0.0.1";
    CL133 "CL133" ValidationError Error "install.sh", "add an install.sh and make it executable: chmod +x install.sh && git add --chmod=+x install.sh";
    CL134 "CL134" ValidationError Warning "no description", "say in one line what the Feature installs";
    CL135 "CL135" ValidationError Warning "unit and Feature have different names", "give the unit the Feature's id as its name";
    CL136 "CL136" ValidationError Error "credential block and unit differ", "repeat the entry's scheme, env and value in the `credential` block, or remove the block";
    CL137 "CL137" ValidationError Warning "unknown member", "only `cli` and `credential` are read here; check the spelling";
    CL138 "CL138" ValidationError Error "wrong letter case", "write the name in lower case: readers differ in what they do with this";
    CL139 "CL139" ValidationError Error "member is there twice", "keep one of the two: readers take the last one silently";
    CL140 "CL140" ValidationError Error "credential block", "write `scheme` and `placeholders: [{env, value}]`, or remove the block";
    CL141 "CL141" ValidationError Error "not strict JSON", "remove comments and trailing commas: devcontainer tools take them, Aileron does not";

    // Of an image's label: cli-unit.md §11 and §10.3.
    CL151 "CL151" ValidationError Note "same unit twice", "usual where a base image has the Feature already; nothing to do";
    CL152 "CL152" ValidationError Error "one name, two units", "install one version of the Feature only: the last one counts";
    CL153 "CL153" ValidationError Error "one host, two claims", "let one unit seal the host: the last one counts";
    CL154 "CL154" ValidationError Warning "line of a label over 65,000 bytes", "make the Feature's metadata shorter: older builders cut such a LABEL line without a word";
}
