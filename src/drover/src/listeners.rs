//! The sockets on which a process answers HTTP.

use std::net::SocketAddr;

use anyhow::Context;
use drover_workers::{Role, Roles};
use tokio::net::TcpListener;

use crate::config::Http;

/// Sockets that are bound, so that whoever connects from now on is answered sooner or later.
#[derive(Debug)]
pub(crate) struct Listeners {
    /// For the world.
    pub(crate) public: TcpListener,
    /// For our own servers, if they are answered here.
    pub(crate) internal: Option<TcpListener>,
}

impl Listeners {
    /// Binds what the configuration names. Only an ingress has answers for our own servers.
    pub(crate) async fn bind(http: &Http, roles: &Roles) -> anyhow::Result<Self> {
        let public = bind(http.listen).await?;
        let internal = match http.internal_listen.filter(|_| roles.has(Role::Ingress)) {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        Ok(Self { public, internal })
    }

    /// For the world alone.
    pub(crate) fn public_only(public: TcpListener) -> Self {
        Self { public, internal: None }
    }
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}
