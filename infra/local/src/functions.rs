//! The functions as Lambda runs them: started cold on the first event, kept warm, ended when time
//! is up or their process dies.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lambda_runtime::{Context, Diagnostic, LambdaEvent};
use secrecy::ExposeSecret;
use serde_json::Value;
use shared::{App, Clock, Config, secrets::SecretName};
use tokio::{
    runtime::Handle,
    sync::{broadcast::error::RecvError, oneshot},
    task::JoinError,
};
use tracing::Instrument;

use crate::{
    faults::Faults,
    front::Keys,
    lambda::{Code, Warm},
    metrics::MetricLog,
};

/// A function's code and the secrets it can't do without.
#[derive(Clone, Copy)]
pub struct Program {
    /// How it is called.
    pub code: Code,
    /// What its environment must name.
    pub needs: &'static [SecretName],
}

/// The programs of this repository, by the name that the template has for them.
#[must_use]
pub fn programs() -> BTreeMap<String, Program> {
    let programs = [
        ("login", Program { code: Code::Http(login::router), needs: login::NEEDS }),
        ("callback", Program { code: Code::Http(callback::router), needs: callback::NEEDS }),
        ("api", Program { code: Code::Http(api::router), needs: api::NEEDS }),
        ("refresh", event(|app, event| Box::pin(refresh::handler(app, event)), refresh::NEEDS)),
        ("fetch", event(|app, event| Box::pin(fetch::handler(app, event)), fetch::NEEDS)),
        ("deliver", event(|app, event| Box::pin(deliver::handler(app, event)), deliver::NEEDS)),
        ("act", event(|app, event| Box::pin(act::handler(app, event)), act::NEEDS)),
        ("notify", Program { code: Code::Http(notify::router), needs: notify::NEEDS }),
        ("digest", event(|app, event| Box::pin(digest::handler(app, event)), digest::NEEDS)),
    ];
    programs.into_iter().map(|(name, program)| (name.to_owned(), program)).collect()
}

/// All functions.
pub(crate) struct Functions {
    all: BTreeMap<String, Function>,
    keys: Keys,
    clock: Clock,
    faults: Faults,
    metrics: Option<MetricLog>,
}

struct Function {
    program: Program,
    environment: BTreeMap<String, String>,
    timeout: Duration,
    warm: Mutex<Option<Warm>>,
}

/// How one function is set up.
pub(crate) struct Settings {
    pub(crate) program: Program,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) timeout: Duration,
}

/// An invocation did not come to an answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The template names a function that is not there.
    #[error("there is no such function")]
    Unknown,
    /// It can't start.
    #[error("the function can't start")]
    Start(#[from] shared::app::StartError),
    /// It answered with an error.
    #[error("{}: {}", .0.error_type, .0.error_message)]
    Failed(Diagnostic),
    /// Its time was up.
    #[error("the function ran out of time")]
    TimedOut,
    /// Its process ended: a panic, or a fault ordered.
    #[error("the function's process ended")]
    Died,
}

impl Functions {
    pub(crate) fn new(
        all: BTreeMap<String, Settings>,
        keys: Keys,
        clock: Clock,
        faults: Faults,
        metrics: Option<MetricLog>,
    ) -> Self {
        let all = all.into_iter().map(|(name, settings)| {
            let Settings { program, environment, timeout } = settings;
            (name, Function { program, environment, timeout, warm: Mutex::default() })
        });
        Self { all: all.collect(), keys, clock, faults, metrics }
    }

    /// Starts every function, so that a wrong environment shows at once.
    pub(crate) fn start_all(&self) -> Result<(), (String, shared::app::StartError)> {
        for (name, function) in &self.all {
            self.warm(name, function).map_err(|error| (name.clone(), error))?;
        }
        Ok(())
    }

    /// One invocation.
    pub(crate) async fn invoke(&self, name: &str, payload: Value) -> Result<Value, InvokeError> {
        let function = self.all.get(name).ok_or(InvokeError::Unknown)?;
        let mut deaths = self.faults.deaths();
        let warm = self.warm(name, function)?;
        let event = LambdaEvent::new(payload, context(name, function.timeout));
        let (alive, ended) = oneshot::channel::<()>();
        let span = tracing::info_span!("function", name);
        let runtime = Handle::current();
        // A thread for each invocation, as Lambda has a process for each: a handler need not be
        // one that moves between threads.
        let task = tokio::task::spawn_blocking(move || {
            runtime.block_on(async move {
                tokio::select! {
                    answer = warm.invoke(event).instrument(span) => Some(answer),
                    _ = ended => None,
                }
            })
        });
        let dies = async {
            loop {
                match deaths.recv().await {
                    Ok(dead) if dead != name => (),
                    Ok(_) | Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        let ends = async {
            tokio::select! {
                answer = task => answer.map_err(|error| died(name, &error))?.ok_or(InvokeError::Died),
                () = dies => Err(InvokeError::Died),
            }
        };
        let ended = tokio::time::timeout(function.timeout, ends).await;
        // What still runs is dropped where it stands.
        drop(alive);
        let ended = ended.unwrap_or(Err(InvokeError::TimedOut));
        match ended {
            Ok(answer) => answer.map_err(InvokeError::Failed),
            Err(error) => {
                // The next event finds a new process.
                *function.warm.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Err(error)
            }
        }
    }

    /// Ends whatever still runs.
    pub(crate) fn end(&self) {
        self.all.keys().for_each(|name| self.faults.kill(name));
    }

    fn warm(&self, name: &str, function: &Function) -> Result<Warm, shared::app::StartError> {
        let mut warm = function.warm.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(warm) = &*warm {
            return Ok(warm.clone());
        }
        let key = self.keys.issue(name);
        let lookup = |variable: &str| match variable {
            "AWS_ACCESS_KEY_ID" => Some(key.id.clone()),
            "AWS_SECRET_ACCESS_KEY" => Some(key.secret.expose_secret().to_owned()),
            _ => function.environment.get(variable).cloned(),
        };
        let config = Config::from_lookup(&lookup, function.program.needs)?;
        let app = App::new(config, self.clock.clone())?;
        if let Some(metrics) = &self.metrics {
            metrics.attach(&app.metrics);
        }
        let started = function.program.code.start(app);
        *warm = Some(started.clone());
        Ok(started)
    }
}

fn died(name: &str, error: &JoinError) -> InvokeError {
    tracing::error!(function = name, panicked = error.is_panic(), "the function's process ended");
    InvokeError::Died
}

fn context(name: &str, timeout: Duration) -> Context {
    let mut context = Context::default();
    context.request_id = shared::random::id();
    context.invoked_function_arn = format!("arn:aws:lambda:local-1:000000000000:function:{name}");
    // Real time, as Lambda's: work ends by the machine's clock, whatever the cars' clock says.
    let now = u64::try_from(Clock::system().now().as_millisecond()).unwrap_or_default();
    context.deadline = now + u64::try_from(timeout.as_millis()).unwrap_or_default();
    context
}

/// The compiler needs a place where the closure becomes a function pointer.
fn event(
    handler: fn(Arc<App>, LambdaEvent<Value>) -> crate::lambda::Invocation,
    needs: &'static [SecretName],
) -> Program {
    Program { code: Code::Event(handler), needs }
}

#[cfg(test)]
mod tests;
