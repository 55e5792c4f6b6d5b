//! Applications: uploaded, kept, pushed to users' devices, and removed from them; black and white lists with them.

mod refusal;

pub use refusal::ApplicationRefusal;
