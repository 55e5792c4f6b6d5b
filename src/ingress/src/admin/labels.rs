//! Labels: named sets of users that are targeted together.

super::user_sets::user_set_handlers!(UserSetKind::Label, "label", "labels");
