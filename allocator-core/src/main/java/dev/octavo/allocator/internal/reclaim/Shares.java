package dev.octavo.allocator.internal.reclaim;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Fair shares: over time each shrinker frees in proportion to what it offers. Of one thread.
///
/// The scheme is deficit round robin (Shreedhar, Varghese, 1995). Before each round credits are
/// dealt in proportion to the offers, such that all of them add up to the goal; the largest credit
/// is asked first, and what is freed is taken from it. Credits that are left over stay for the next
/// need, whichever it is, so that requests of one page each are shared, too. They add up to the
/// goal of the round, and none exceeds what its shrinker offers.
///
/// A shrinker that said it freed something when nothing had changed is asked after the others, and
/// takes nothing from their shares, until it helps.
final class Shares {

  private final Map<Entry, Share> shares = new HashMap<>();

  /// The credit of a shrinker, bytes, and whether it can be believed.
  private static final class Share {
    private double credit;
    private boolean isLiar;
  }

  /// A shrinker and the most bytes to ask it for.
  record Offer(Entry entry, long bytes) {}

  /// Deals credits, and puts offers in the order in which they are to be asked.
  ///
  /// @param goal bytes
  void deal(List<Offer> offers, double goal) {
    deal(offers, goal, false);
    deal(offers, goal, true);
    offers.sort(
        Comparator.comparing((Offer offer) -> of(offer).isLiar)
            .thenComparingDouble(offer -> -of(offer).credit));
  }

  private void deal(List<Offer> offers, double goal, boolean isLiar) {
    double offered = 0;
    double credits = 0;
    for (Offer offer : offers) {
      if (of(offer).isLiar == isLiar) {
        offered += offer.bytes;
        credits += of(offer).credit;
      }
    }
    for (Offer offer : offers) {
      Share share = of(offer);
      if (share.isLiar == isLiar) {
        double dealt = share.credit + (goal - credits) * (offer.bytes / offered);
        share.credit = Math.clamp(dealt, -offered, (double) offer.bytes);
      }
    }
  }

  /// Credit of a shrinker, bytes; negative if it has given more than its share.
  double credit(Offer offer) {
    return of(offer).credit;
  }

  /// Takes what was freed from a shrinker's credit, or what was asked, if it freed nothing, so that
  /// the turn passes on.
  ///
  /// @param said bytes that it says it freed
  /// @param helped bytes that it did free
  void settle(Offer offer, long asked, long said, long helped) {
    Share share = of(offer);
    share.credit -= helped > 0 ? helped : asked;
    share.isLiar = helped <= 0 && said > 0;
  }

  void forgetClosed() {
    shares.keySet().removeIf(entry -> !entry.isOpen());
  }

  private Share of(Offer offer) {
    return shares.computeIfAbsent(offer.entry, _ -> new Share());
  }
}
