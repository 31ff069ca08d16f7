package dev.octavo.allocator.oom;

import dev.octavo.allocator.oom.MemoryAccount.Preference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/// Random snapshots, with small numbers that tie and with numbers at the extremes.
final class Snapshots {

  private static final Preference[] PREFERENCES = Preference.values();

  private final Random random;

  Snapshots(long seed) {
    random = new Random(seed);
  }

  OomSnapshot next() {
    int bits = random.nextInt(63) + 1;
    long total = 1 + number(bits);
    int count = random.nextInt(30);
    List<OomCandidate> candidates = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      candidates.add(candidate(i + 1, bits));
    }
    Collections.shuffle(candidates, random);
    OomSnapshot.Request request =
        new OomSnapshot.Request(
            "asks", "BLOCKING", number(bits), 4096, random.nextInt(count + 2), random.nextInt(4));
    return new OomSnapshot("d", total, number(bits), request, OomSnapshot.NO_VICTIM, candidates);
  }

  /// Up to `Long.MAX_VALUE - 1`.
  private long number(int bits) {
    return random.nextLong() >>> 1 >>> (63 - random.nextInt(bits + 1)) & Long.MAX_VALUE - 1;
  }

  private OomCandidate candidate(long id, int bits) {
    return new OomCandidate(
        id,
        "n" + random.nextInt(5),
        random.nextInt(4),
        number(bits),
        random.nextBoolean() ? 0 : number(bits),
        scoreAdj(),
        random.nextBoolean() ? Preference.NORMAL : PREFERENCES[random.nextInt(4)],
        random.nextBoolean() ? random.nextInt(3) : number(62),
        random.nextInt(8) == 0,
        random.nextBoolean(),
        random.nextInt(8) == 0,
        random.nextInt(8) == 0);
  }

  private int scoreAdj() {
    return switch (random.nextInt(5)) {
      case 0 -> -1000;
      case 1 -> 1000;
      case 2 -> 0;
      default -> random.nextInt(2001) - 1000;
    };
  }

  OomSnapshot shuffled(OomSnapshot snapshot) {
    List<OomCandidate> candidates = new ArrayList<>(snapshot.candidates());
    Collections.shuffle(candidates, random);
    return with(snapshot, candidates);
  }

  static OomSnapshot with(OomSnapshot snapshot, List<OomCandidate> candidates) {
    return new OomSnapshot(
        snapshot.domain(),
        snapshot.totalByteSize(),
        snapshot.freeByteSize(),
        snapshot.request(),
        snapshot.victimId(),
        candidates);
  }

  static OomCandidate withUsage(OomCandidate candidate, long usageByteSize) {
    return new OomCandidate(
        candidate.id(),
        candidate.name(),
        candidate.parentId(),
        usageByteSize,
        candidate.lowByteSize(),
        candidate.scoreAdj(),
        candidate.preference(),
        candidate.ageNanos(),
        candidate.isGroup(),
        candidate.isReapable(),
        candidate.isSkipped(),
        candidate.isUseless());
  }
}
