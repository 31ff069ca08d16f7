package dev.octavo.allocator.oom;

import dev.octavo.allocator.oom.MemoryAccount.Preference;

/// An account that an [OomPolicy] may choose, as plain data.
///
/// @param id the account's number
/// @param name its path
/// @param parentId the number of the account above, 0 if there is none
/// @param usageByteSize what would go if it is chosen, bytes, at least 0
/// @param lowByteSize how much of that does not count in the score, bytes, at least 0
/// @param scoreAdj -1000 (never chosen) to 1000
/// @param preference who gives first
/// @param ageNanos since the account was opened, at least 0
/// @param isGroup whether it stands for all below it
/// @param isReapable whether its memory may be taken away without its owner's help
/// @param isSkipped whether it was chosen before and could not be made to give
public record OomCandidate(
    long id,
    String name,
    long parentId,
    long usageByteSize,
    long lowByteSize,
    int scoreAdj,
    Preference preference,
    long ageNanos,
    boolean isGroup,
    boolean isReapable,
    boolean isSkipped) {

  /// The adj of who is never chosen.
  public static final int NEVER_CHOSEN = -1000;

  private static final int MAX_SCORE_ADJ = 1000;

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException if one is out of its range
  public OomCandidate {
    if (usageByteSize < 0 || lowByteSize < 0 || ageNanos < 0) {
      throw new IllegalArgumentException(
          "negative: usageByteSize=%d, lowByteSize=%d, ageNanos=%d"
              .formatted(usageByteSize, lowByteSize, ageNanos));
    }
    checkScoreAdj(scoreAdj);
  }

  /// A candidate of whom only the usage is special.
  ///
  /// @param id the account's number
  /// @param name its path
  /// @param usageByteSize bytes, at least 0
  /// @return adj 0, normal preference, age 0, no low mark
  public static OomCandidate of(long id, String name, long usageByteSize) {
    return new OomCandidate(
        id, name, 0, usageByteSize, 0, 0, Preference.NORMAL, 0, false, false, false);
  }

  /// The same with another adj.
  ///
  /// @param value -1000 to 1000
  /// @return a copy
  public OomCandidate withScoreAdj(int value) {
    return new OomCandidate(
        id,
        name,
        parentId,
        usageByteSize,
        lowByteSize,
        value,
        preference,
        ageNanos,
        isGroup,
        isReapable,
        isSkipped);
  }

  /// The same with another preference.
  ///
  /// @param value the preference
  /// @return a copy
  public OomCandidate withPreference(Preference value) {
    return new OomCandidate(
        id,
        name,
        parentId,
        usageByteSize,
        lowByteSize,
        scoreAdj,
        value,
        ageNanos,
        isGroup,
        isReapable,
        isSkipped);
  }

  /// Whether it must not be chosen, come what may: its adj is -1000 or its preference
  /// [Preference#NEVER].
  ///
  /// @return true if so
  public boolean isProtected() {
    return scoreAdj == NEVER_CHOSEN || preference == Preference.NEVER;
  }

  /// Whether it may be chosen: not protected, not skipped, and uses memory.
  ///
  /// @return true if it may
  public boolean isEligible() {
    return usageByteSize > 0 && !isSkipped && !isProtected();
  }

  static int checkScoreAdj(int value) {
    if (value < NEVER_CHOSEN || value > MAX_SCORE_ADJ) {
      throw new IllegalArgumentException("scoreAdj is not in -1000..1000: scoreAdj=" + value);
    }
    return value;
  }
}
