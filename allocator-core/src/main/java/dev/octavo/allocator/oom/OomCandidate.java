package dev.octavo.allocator.oom;

import dev.octavo.allocator.oom.MemoryAccount.Preference;

/// An account that an [OomPolicy] may choose, as plain data.
///
/// @param id the account's number
/// @param name its path
/// @param parentId the number of the account above, 0 if there is none
/// @param usageByteSize what helps if it is released, bytes, at least 0; of a useless candidate,
///   all that it uses
/// @param lowByteSize how much of that does not count in the score, bytes, at least 0
/// @param scoreAdj -1000 (never chosen) to 1000
/// @param preference its band: all candidates of a better band are chosen before it
/// @param ageNanos since the account was opened, at least 0
/// @param isGroup whether it stands for all below it
/// @param isReapable whether its memory may be taken away without its owner's help
/// @param isSkipped whether it was chosen before and did not release its memory in time
/// @param isUseless whether its release would not help the request, for example because its pages
///   and their free neighbours cannot form the run
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
    boolean isSkipped,
    boolean isUseless) {

  /// The adj of an account that is never chosen.
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

  /// A candidate whose release helps.
  ///
  /// @param id the account's number
  /// @param name its path
  /// @param parentId the number of the account above, 0 if there is none
  /// @param usageByteSize what helps if it is released, bytes, at least 0
  /// @param lowByteSize how much of that does not count in the score, bytes, at least 0
  /// @param scoreAdj -1000 (never chosen) to 1000
  /// @param preference its band: all candidates of a better band are chosen before it
  /// @param ageNanos since the account was opened, at least 0
  /// @param isGroup whether it stands for all below it
  /// @param isReapable whether its memory may be taken away without its owner's help
  /// @param isSkipped whether it was chosen before and did not release its memory in time
  /// @throws IllegalArgumentException if a number is out of its range
  public OomCandidate(
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
    this(
        id,
        name,
        parentId,
        usageByteSize,
        lowByteSize,
        scoreAdj,
        preference,
        ageNanos,
        isGroup,
        isReapable,
        isSkipped,
        false);
  }

  /// A candidate with default values for everything but the usage.
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
        isSkipped,
        isUseless);
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
        isSkipped,
        isUseless);
  }

  /// Whether it must not be chosen, come what may: its adj is -1000 or its preference
  /// [Preference#NEVER].
  ///
  /// @return true if so
  public boolean isProtected() {
    return scoreAdj == NEVER_CHOSEN || preference == Preference.NEVER;
  }

  /// The same, but its release would not help the request.
  ///
  /// @return a copy that is not eligible
  public OomCandidate asUseless() {
    return new OomCandidate(
        id,
        name,
        parentId,
        usageByteSize,
        lowByteSize,
        scoreAdj,
        preference,
        ageNanos,
        isGroup,
        isReapable,
        isSkipped,
        true);
  }

  /// Whether it may be chosen: uses memory whose release helps, is not skipped and not protected.
  ///
  /// @return true if it may
  public boolean isEligible() {
    return usageByteSize > 0 && !isUseless && !isSkipped && !isProtected();
  }

  static int checkScoreAdj(int value) {
    if (value < NEVER_CHOSEN || value > MAX_SCORE_ADJ) {
      throw new IllegalArgumentException("scoreAdj is not in -1000..1000: scoreAdj=" + value);
    }
    return value;
  }
}
