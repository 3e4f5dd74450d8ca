const flat = (text) => text.trim().replace(/\s+/g, ' ');

/** The code that a mutant replaces. */
function codeOf(source, { start, end }) {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  lines.push(lines.pop().slice(0, end.column - 1));
  lines[0] = lines[0].slice(start.column - 1);
  return flat(lines.join('\n'));
}

const mutantsOf = (files) =>
  Object.entries(files).flatMap(([file, { source, mutants }]) =>
    mutants.map(({ replacement = '', status, location }) => ({
      file: file.replace('src/', ''),
      line: location.start.line,
      code: codeOf(source, location),
      to: flat(replacement),
      status,
    })),
  );

/** What a reason stands for: the file, the code, what it becomes (left out: whatever), how many mutants (left out: one). */
function read(entry) {
  const [file, code, ...rest] = entry;
  return {
    file,
    code,
    into: rest.find((each) => typeof each === 'string'),
    count: rest.find((each) => typeof each === 'number') ?? 1,
  };
}

/**
 * Lays the mutants that a report says survived beside the reasons why they may, of those files that it speaks of. Where
 * mutants were left out of the run, a reason may stand for more than survived.
 */
export function judge({ files }, reasons) {
  const all = mutantsOf(files);
  const mutants = all.filter(({ status }) => status !== 'CompileError');
  const leftOut = all.length - mutants.length;
  const count = (...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length;
  const open = reasons
    .flatMap(({ why, of }) => of.map((entry) => ({ why, entry, ...read(entry), found: 0 })))
    .filter(({ file }) => `src/${file}` in files);
  const explained = new Map(reasons.map(({ why }) => [why, []]));
  const unexplained = [];
  for (const { file, line, code, to, status } of mutants) {
    if (status !== 'Survived' && status !== 'NoCoverage') continue;
    const fits = open.filter((each) => each.file === file && each.code === code && (each.into ?? to) === to);
    // One that has room; or else the first, which then has one too many.
    const reason = fits.find((each) => each.found < each.count) ?? fits[0];
    const text = `${file}:${line} ${code} -> ${to}`;
    if (reason === undefined) unexplained.push(text);
    else {
      reason.found++;
      explained.get(reason.why).push(text);
    }
  }
  return {
    total: mutants.length,
    leftOut,
    noticed: count('Killed', 'Timeout'),
    timedOut: count('Timeout'),
    survived: count('Survived', 'NoCoverage'),
    explained,
    unexplained,
    /** Reasons that stand for more mutants, or fewer, than they say. */
    miscounted: open
      .filter((each) => (leftOut > 0 ? each.found > each.count : each.found !== each.count))
      .map(({ entry, found, count }) => `${entry.join(' | ')}: ${found} in place of ${count}`),
  };
}
