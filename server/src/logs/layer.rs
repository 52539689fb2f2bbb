//! Catches what is logged.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::redact::is_secret;
use super::{LogBuffer, LogLine, redact};

/// A layer that puts what is logged into a buffer.
#[derive(Debug)]
pub struct LogLayer {
    buffer: LogBuffer,
}

impl LogLayer {
    /// A layer over `buffer`.
    pub fn new(buffer: LogBuffer) -> Self {
        Self { buffer }
    }
}

/// The name of a request, kept with its span.
struct SpanId(String);

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for LogLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut text = Text::default();
        attributes.record(&mut text);
        if let (Some(name), Some(span)) = (text.id, context.span(id)) {
            span.extensions_mut().insert(SpanId(name));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let of_span = || {
            let mut scope = context.event_scope(event)?;
            scope.find_map(|span| Some(span.extensions().get::<SpanId>()?.0.clone()))
        };
        let endpoint = text.endpoint;
        self.buffer.push(LogLine {
            id: 0,
            timestamp: String::new(),
            level: level(*event.metadata().level()),
            module: event.metadata().target().to_owned(),
            message: redact(&format!("{}{}", text.message, text.fields)),
            operation_id: text.run.or_else(of_span),
            operation: None,
            phase: None,
            resource_type: endpoint.as_ref().map(|_| "endpoint"),
            resource_id: endpoint,
            expandable: None,
        });
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        _ => "DEBUG",
    }
}

/// Fields as one text.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
    run: Option<String>,
    id: Option<String>,
    endpoint: Option<String>,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = format!("{value:?}");
        self.take(field, written);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value.to_owned());
    }
}

impl Text {
    fn take(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            "run" => self.run = Some(value),
            "id" => self.id = Some(value),
            name => {
                // Keys are told by their numbers, which are no secrets.
                let plain = value.parse::<i64>().is_ok();
                let shown = if is_secret(name) && !plain { "[redacted]" } else { value.as_str() };
                // Writing into a text does not fail.
                let _ = write!(self.fields, " {name}={shown}");
                if name == "endpoint" {
                    self.endpoint = Some(value);
                }
            }
        }
    }
}
