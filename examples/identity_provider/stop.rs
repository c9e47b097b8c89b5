//! When to stop.

use tokio::signal;

/// Waits for Ctrl-C, or for SIGTERM, which service managers send. Requests that have begun are still answered then.
pub(crate) async fn requested() {
    let interrupted = async {
        signal::ctrl_c()
            .await
            .expect("the runtime has signals enabled");
    };
    #[cfg(unix)]
    let terminated = async {
        signal::unix::signal(signal::unix::SignalKind::terminate())
            .expect("the runtime has signals enabled")
            .recv()
            .await;
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
    tracing::info!("stopping");
}
