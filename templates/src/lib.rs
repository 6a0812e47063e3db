//! The repository skeletons that `aileron-pub init` copies.
