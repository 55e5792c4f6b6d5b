//! The process that a test of this crate kills: it starts a server, says where, and waits.
#![allow(clippy::print_stdout)]

use drover_testkit::TestPostgres;

#[tokio::main]
async fn main() {
    let postgres = TestPostgres::durable().await;
    println!("cluster {} {}", postgres.server.pid(), postgres.server.cluster_dir().display());
    std::future::pending::<()>().await;
}
