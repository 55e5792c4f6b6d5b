//! A process that plays roles: HTTP and workers, from start to drained end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use axum::Router;
use drover_broker::Broker;
use drover_ingress::{AppState, Limits, Lobby, ServeOptions};
use drover_service::{Clock, Entropy};
use drover_workers::{Deps, Place, Role, Roles, WorkerSettings};
use futures_util::future::OptionFuture;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{
    installation::Installation,
    listeners::Listeners,
    startup,
    system::{SystemClock, SystemEntropy, host_name, raise_open_files},
    telemetry,
};

/// Between two looks at what the process depends on; each costs a statement.
const WATCH_PAUSE: Duration = Duration::from_secs(5);

/// A process that plays roles.
pub(crate) struct Process {
    /// Where HTTP is answered.
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    http: JoinHandle<Result<(), drover_ingress::ServeError>>,
    roles: JoinHandle<anyhow::Result<()>>,
    drain_timeout: Duration,
}

impl Process {
    /// Starts to answer HTTP at once, health first, and to work as soon as database and broker are there. From here on a
    /// signal is not lost: it cancels the [stop token](Self::stop_token), whoever waits for that.
    pub(crate) fn start(
        installation: &Installation,
        listeners: Listeners,
        broker: Broker,
        roles: Roles,
        metrics: PrometheusHandle,
    ) -> anyhow::Result<Self> {
        raise_open_files();
        let stop = CancellationToken::new();
        let config = &installation.config;
        let drain_timeout = Duration::from_secs(config.workers.drain_timeout_s);
        let address = listeners.public.local_addr()?;
        let sessions = installation.device_sessions()?;
        let (lobby, chores) = Lobby::new(config.http.max_waiting_devices);
        let state = app_state(installation, broker.clone(), &roles, lobby, metrics);
        if roles.has(Role::Ingress) {
            tokio::spawn(chores.run(installation.service.clone(), Arc::clone(&state.random), stop.clone()));
        }
        let internal = listeners.internal.map(|listener| (listener, drover_ingress::internal_router(state.clone())));
        let router: Router =
            if roles.has(Role::Ingress) { drover_ingress::router(state) } else { drover_ingress::health_router(state) };
        let serve_options = ServeOptions {
            header_timeout: Duration::from_secs(config.http.header_timeout_s),
            max_connections: config.http.max_connections,
            write_timeout: Duration::from_secs(config.http.request_timeout_s),
            drain_timeout,
        };
        let public = drover_ingress::serve(listeners.public, router, serve_options, stop.clone());
        let internal =
            internal.map(|(listener, router)| drover_ingress::serve(listener, router, serve_options, stop.clone()));
        let http = tokio::spawn(async move {
            // Both are drained, whatever becomes of the other.
            let (public, internal) = tokio::join!(public, OptionFuture::from(internal));
            public.and(internal.unwrap_or(Ok(())))
        });
        let deps = Deps {
            service: installation.service.clone(),
            store: installation.store.clone(),
            broker,
            sessions,
            entropy: Arc::clone(&installation.entropy),
            place: Place {
                host: host_name(),
                holds_broker: installation.has_forgetful_broker() && roles.need_broker(),
            },
        };
        let settings = worker_settings(installation);
        tokio::spawn(watch(deps.clone(), roles.need_broker(), stop.clone()));
        let is_forgetful = installation.has_forgetful_broker();
        let (working, ended) = (stop.clone(), stop.clone());
        let roles = tokio::spawn(async move {
            // A process that lacks a role must not look alive.
            let _ended = ended.drop_guard();
            work(roles, deps, settings, is_forgetful, working).await
        });
        let asked = stop.clone();
        tokio::spawn(async move {
            asked_to_stop().await;
            asked.cancel();
        });
        Ok(Self { address, stop, http, roles, drain_timeout })
    }

    /// A token that asks the process to end, and that a signal cancels.
    pub(crate) fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits for a signal or for a role that cannot go on, then drains: no new calls and messages, what is in flight ends,
    /// the rest stays for others.
    pub(crate) async fn run_to_end(mut self) -> anyhow::Result<()> {
        let ended_early = tokio::select! {
            () = self.stop.cancelled() => None,
            ended = &mut self.roles => Some(ended),
        };
        tracing::info!("stopping: no new work is taken, what is in flight ends");
        self.stop.cancel();
        let http = &mut self.http;
        let roles = &mut self.roles;
        let drained = tokio::time::timeout(self.drain_timeout + Duration::from_secs(2), async {
            let roles = match ended_early {
                Some(ended) => ended,
                None => roles.await,
            };
            (http.await, roles)
        });
        let (http, roles) = drained.await.context("not drained in time; what was in flight stays for others")?;
        roles.context("the roles panicked")??;
        http.context("the HTTP server panicked")??;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Tells the metrics how the process's dependencies do, as `/readyz` tells whoever asks.
async fn watch(deps: Deps, needs_broker: bool, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(WATCH_PAUSE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let watch = async {
        loop {
            ticks.tick().await;
            deps.store.observe_pool();
            for dependency in deps.service.ready().await {
                telemetry::metrics::dependency(dependency.name, dependency.problem.is_none());
            }
            if needs_broker {
                telemetry::metrics::dependency("broker", broker_problem(&deps.broker).is_none());
            }
        }
    };
    stop.run_until_cancelled(watch).await;
}

/// Completes when the process is asked to end.
pub(crate) async fn asked_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be listened for; only SIGKILL ends this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn work(
    roles: Roles,
    deps: Deps,
    settings: WorkerSettings,
    is_forgetful: bool,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let ready = async {
        startup::wait_for_schema(&deps.store, deps.entropy.as_ref()).await?;
        let mut presence = None;
        if roles.need_broker() {
            presence = Some(startup::take_place(&deps.store, deps.entropy.as_ref(), is_forgetful).await?);
            startup::declare_topology(&deps.broker, deps.entropy.as_ref()).await?;
        }
        if is_forgetful && roles.need_broker() {
            let jobs = deps.service.recover().await?;
            if jobs > 0 {
                tracing::info!(jobs, "unfinished jobs go on");
            }
        }
        anyhow::Ok(presence)
    };
    let _presence = tokio::select! {
        ready = ready => ready?,
        () = stop.cancelled() => return Ok(()),
    };
    tracing::info!(%roles, "at work");
    let broker = deps.broker.clone();
    let result = drover_workers::run(&roles, deps, settings, stop.clone()).await;
    if result.is_ok() {
        // A process with no worker role has nothing to wait for but its end.
        stop.cancelled().await;
    }
    broker.close().await;
    Ok(result?)
}

fn worker_settings(installation: &Installation) -> WorkerSettings {
    let workers = &installation.config.workers;
    WorkerSettings {
        plan_concurrency: workers.plan_concurrency,
        dispatch_concurrency: workers.dispatch_concurrency,
        report_batch_max: workers.report_batch_max,
        report_batch_wait: Duration::from_millis(workers.report_batch_wait_ms),
        tick: Duration::from_millis(workers.tick_ms),
        ..WorkerSettings::default()
    }
}

fn app_state(
    installation: &Installation,
    broker: Broker,
    roles: &Roles,
    lobby: Lobby,
    metrics: PrometheusHandle,
) -> AppState {
    let http = &installation.config.http;
    let needs_broker = roles.need_broker();
    let random = || {
        let mut bytes = [0; 8];
        SystemEntropy.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    };
    AppState {
        service: installation.service.clone(),
        now: Arc::new(|| SystemClock.now()),
        random: Arc::new(random),
        broker: Arc::new(move || if needs_broker { broker_problem(&broker) } else { None }),
        lobby,
        devices_vhost: installation.config.devices.vhost.as_str().into(),
        metrics: Some(metrics),
        limits: Limits {
            max_body_bytes: usize::try_from(http.max_body_bytes).unwrap_or(usize::MAX),
            max_upload_bytes: http.max_upload_bytes,
            request_timeout: Duration::from_secs(http.request_timeout_s),
            poll_wait: Duration::from_secs(http.poll_wait_s),
            idle_timeout: Duration::from_secs(http.request_timeout_s),
            proxies: http.proxies,
            ..Limits::default()
        },
    }
}

fn broker_problem(broker: &Broker) -> Option<String> {
    let health = broker.health();
    if health.blocked {
        return Some("the broker takes no messages: it is short of memory or disk".into());
    }
    (!health.connected).then(|| health.last_error.unwrap_or_else(|| "not connected".into()))
}
