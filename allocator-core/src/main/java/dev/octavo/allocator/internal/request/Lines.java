package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The lines of one allocator: for pages, and for room in accounts.
final class Lines {

  private final PageLine pages;

  /// Null without accounts.
  private final @Nullable LimitLines limits;

  Lines(Setting setting, LineOwner owner) {
    pages = new PageLine(setting, owner);
    Payers payers = setting.payers();
    limits = payers == null ? null : new LimitLines(setting, owner, payers.root().account());
  }

  PageLine pages() {
    return pages;
  }

  @Nullable LimitLines limits() {
    return limits;
  }

  /// The number of requests that wait.
  int waiters() {
    return pages.room().size() + (limits == null ? 0 : limits.size());
  }

  /// Makes all requests of payers that are gone leave their lines.
  void dismissGone() {
    dismiss(request -> request.isPayerGone() ? new Dismissal(Refusal.GONE, null) : null);
  }

  /// Makes requests leave their lines.
  ///
  /// @param why the reason of a request, or null if it stays
  void dismiss(Function<InLine, @Nullable Dismissal> why) {
    dismiss(pages.room(), why);
    if (limits != null) {
      limits.all().forEach(limit -> dismiss(limit.room(), why));
    }
  }

  private static void dismiss(WaitingRoom place, Function<InLine, @Nullable Dismissal> why) {
    for (WaitingRoom.Waiting waiting : place.line()) {
      Dismissal reason = waiting.request() instanceof InLine request ? why.apply(request) : null;
      if (reason != null) {
        place.fail(waiting.request(), reason);
      }
    }
  }

  void close() {
    pages.room().close();
    if (limits != null) {
      limits.close();
    }
  }
}
