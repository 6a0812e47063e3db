//! Rules of reading: encoding, syntax, types, and keys. artifacts.md §2 and §3, first paragraphs.

use crate::problem::rules;

rules! { 0;
    ENCODING "encoding" ParseError Error "not UTF-8", "save the file as UTF-8";
    TOML_SYNTAX "toml-syntax" ParseError Error "TOML syntax", "write strict TOML 1.0 (https://toml.io/en/v1.0.0)";
    TOML_VERSION "toml-1.0" ParseError Error "TOML 1.1 form", "existing runtimes read TOML 1.0: write this in its 1.0 form";
    WRONG_TYPE "wrong-type" ParseError Error "wrong type", "give the value the type the message names";
    UNKNOWN_KEY "unknown-key" ParseError Error "unknown key", "remove the key, or check its spelling: keys are case-sensitive and the schema is closed";
    TABLE_IN_INPUTS "table-in-inputs" ParseError Error "table not allowed here", "step inputs hold scalars, dates and lists of them; flatten the table";
    REQUIRED "required" ValidationError Error "required value is missing", "add the key with a value";
}
