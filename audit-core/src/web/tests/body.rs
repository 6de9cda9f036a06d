//! A body is streamed, and dropped, in the context of its request.

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};

use super::*;
use crate::AuditBody;

/// Three frames, each with the name of the user, and a note of who drops it.
#[derive(Debug, Default)]
struct Names {
    sent: u8,
    dropped_as: Arc<Mutex<Option<String>>>,
}

impl Body for Names {
    type Data = &'static [u8];
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Infallible>>> {
        let name: &[u8] = match user_id().as_deref() {
            Some("ann") => b"ann",
            Some("bob") => b"bob",
            _ => b"nobody",
        };
        self.sent += 1;
        Poll::Ready((self.sent < 4).then(|| Ok(Frame::data(name))))
    }

    fn is_end_stream(&self) -> bool {
        self.sent == 3
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(9)
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        *self.dropped_as.lock().unwrap() = user_id();
    }
}

async fn frame<B: Body<Data = &'static [u8], Error = Infallible>>(
    body: &mut Pin<Box<B>>,
) -> Option<&'static [u8]> {
    let frame = poll_fn(|cx| body.as_mut().poll_frame(cx)).await?;
    frame.unwrap().into_data().ok()
}

/// The body of a response to a user whom the handler has found.
async fn streamed(id: &'static str) -> (Pin<Box<AuditBody<Names>>>, Arc<Mutex<Option<String>>>) {
    let service = AuditLayer::new().layer(service_fn(async |_: Request<()>| {
        assert!(AuditContext::set_user(AuditUser::new(id)));
        Ok::<_, Infallible>(Response::new(Names::default()))
    }));
    let response = service.oneshot(request(None, &[])).await.unwrap();
    let body = response.into_body();
    let dropped_as = Arc::clone(&body.inner().unwrap().dropped_as);
    (Box::pin(body), dropped_as)
}

#[tokio::test]
async fn bodies_interleave_and_stay_apart() {
    let (mut anns, anns_end) = streamed("ann").await;
    let (mut bobs, bobs_end) = streamed("bob").await;
    assert_eq!(anns.size_hint().exact(), Some(9));
    for _ in 0..3 {
        assert!(!anns.is_end_stream());
        assert_eq!(frame(&mut anns).await, Some(&b"ann"[..]));
        assert_eq!(frame(&mut bobs).await, Some(&b"bob"[..]));
        assert_eq!(user_id(), None);
    }
    assert!(anns.is_end_stream());
    assert_eq!(frame(&mut anns).await, None);
    AuditContext::new().user(AuditUser::new("eve")).sync_scope(|| {
        drop((anns, bobs));
        assert_eq!(user_id().as_deref(), Some("eve"));
    });
    assert_eq!(anns_end.lock().unwrap().as_deref(), Some("ann"));
    assert_eq!(bobs_end.lock().unwrap().as_deref(), Some("bob"));
}

#[tokio::test]
async fn the_body_of_a_layer_that_answers_itself_is_nobodys() {
    let mut body = Box::pin(AuditBody::<Names>::default());
    assert_eq!(frame(&mut body).await, Some(&b"nobody"[..]));
}

#[tokio::test]
async fn a_body_that_outlives_the_task_locals_of_its_thread_is_dropped_quietly() {
    thread_local! {
        static LAST: std::cell::RefCell<Option<Pin<Box<AuditBody<Names>>>>> = const { std::cell::RefCell::new(None) };
    }
    let (body, dropped_as) = streamed("ann").await;
    let thread = std::thread::spawn(|| {
        LAST.with(|last| *last.borrow_mut() = Some(body));
        // Made later, and so gone before the body is.
        AuditContext::new().sync_scope(|| ());
    });
    thread.join().unwrap();
    assert_eq!(dropped_as.lock().unwrap().as_deref(), None);
}
