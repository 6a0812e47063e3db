//! Things nobody here wrote, against ours.
