//! Applications: whose devices are told of what was pushed to them.
