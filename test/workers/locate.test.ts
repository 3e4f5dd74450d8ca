import { strict as assert } from 'node:assert';
import { after, describe, test } from 'node:test';
import { Orchestrator, shutdown, statsOf, WorkerError } from 'opero';
// Before the module that it names wrongly.
import { Astray } from '../fixtures/workers/astray.js';
import {
  Broken,
  Missing,
  Overriding,
  OwnDecorator,
  Plain,
  Renamed,
  StaticOverride,
  StaticPlain,
} from '../fixtures/workers/elsewhere.js';
import * as far from '../fixtures/workers/far-figures.js';
import {
  Alike,
  Asking,
  alike,
  Caller,
  Circle,
  Figure,
  Frozen,
  Grid,
  Square,
  SubCaller,
} from '../fixtures/workers/figures.js';
import { Images } from '../fixtures/workers/images.js';
import Default, * as services from '../fixtures/workers/services.js';
import { rejection } from '../support/rejection.js';
import { runProgram } from '../support/run-program.js';

const { Calc, SameModule, UnderAnotherName, Whole, WholeSub, TwinOne } = services;
after(() => shutdown());

async function workerError(call: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await rejection(call);
  assert.ok(error instanceof WorkerError, String(error));
  assert.match(error.message, message);
}

describe('the code that a worker runs', () => {
  const calc = new Calc();

  test('is that of an instance method, on another thread', async () => {
    assert.equal(await calc.add(1, 2), 3);
    assert.equal((await calc.where()).isMainThread, false);
  });

  test('is never that of another class in the module given, whose methods work all the same', async () => {
    const says = (name: string): RegExp =>
      new RegExp(
        `^Astray\\.${name}: file:.*images\\.js does not export the class Astray, which puts the method on a worker`,
      );
    await workerError(new Astray().render(), says('render'));
    await workerError(new Astray().other(), says('other'));
    assert.equal(await new Images().resize(), 'Images.resize');
    // Here it is the second `render` of that module, in a worker the first.
    await workerError(
      new Images().render(),
      /^Images\.render: .*in another order.*; give each class import\.meta\.url/,
    );
  });

  test('is not guessed where two symbols read alike', async () => {
    for (const name of [alike.one, alike.other]) {
      await workerError(
        new Alike()[name](),
        /^Alike\.Symbol\(name\): Symbol\(name\) is the name of more than one symbol; give each its own/,
      );
    }
  });

  test('is that of a static method, told from an instance method of the same name', async () => {
    assert.equal(await calc.twin(), 'instance');
    assert.equal(await Calc.twin(), 'static of Calc');
  });

  test('is that of a #private method, of instances and static', async () => {
    assert.equal(await calc.hidden(1), 'hidden 1 false');
    assert.equal(await Calc.hiddenStatic(2), 'static hidden 2 false');
  });

  test('is that of a method named by a symbol', async () => {
    assert.equal(await calc[services.sum](4), 5);
  });

  test('is found by a method called without this', async () => {
    const { add } = calc;
    assert.equal(await add(3, 4), 7);
  });

  test('is found whatever the name that its class is exported under', async () => {
    assert.equal(await new UnderAnotherName().run(), false);
    assert.equal(await new Default().run(), false);
  });

  test('is asked for at the first call: a class that is not exported fails it with an error that says so', async () => {
    const says = /Unexported\.run: .*services\.js does not export the class Unexported.*; export it, under any name/;
    await workerError(services.makeUnexported().run(), says);
    await workerError(services.runUnexported(), says);
  });

  test('is that of a class-level policy, on every async method', async () => {
    assert.equal(await new Whole().first(), false);
    assert.equal(new Whole().second(), true);
    assert.equal(await new WholeSub().first(), false);
    assert.equal(await new WholeSub().third(), false);
  });

  test('is that of a method under @orchestrate', async () => {
    assert.equal(await calc.orchestrated(), false);
  });

  test('is an exported function for an Orchestrator, and another one fails', async () => {
    const module = new URL('../fixtures/workers/functions.js', import.meta.url);
    const { bound, double, fourfold, makeBound, makeLocal, makeScaled, makeTimes, scaled } = await import(
      '../fixtures/workers/functions.js'
    );
    const orchestrator = new Orchestrator({ cpuBound: { module, maxWorkers: 2 } });
    assert.deepEqual(await orchestrator.execute(double, 4), { doubled: 8, isMainThread: false });
    assert.equal(await orchestrator.execute(fourfold, 4), 16);
    assert.equal(await orchestrator.execute(scaled, 4), 8);
    assert.equal(await orchestrator.execute(bound, 4), 8);
    await workerError(orchestrator.execute(makeTimes(5), 4), /does not export the function \(anonymous\)/);
    await workerError(
      orchestrator.execute(makeScaled(3), 4),
      /the function scaled is not the one that .*functions\.js exports/,
    );
    const copy = (await import(`${module.href}?copy`)) as { double: (n: number) => unknown };
    await workerError(orchestrator.execute(copy.double, 4), /is not the one .* not one of another copy of the module$/);
    await workerError(orchestrator.execute(makeBound(3), 4), /does not export the function bound /);
    await workerError(
      orchestrator.execute(makeLocal()),
      /functions\.js does not export the function local; export it, under any name/,
    );
    await workerError(
      orchestrator.execute(() => 1),
      /does not export the function \(anonymous\)/,
    );
  });

  test('is looked for where the module says; one that cannot be loaded is named, with the reason', async () => {
    const missing = await rejection(new Missing().run());
    assert.ok(missing instanceof WorkerError);
    assert.match(
      missing.message,
      /^Missing\.run: a worker could not load file:.*no-such-module\.js: Cannot find module/,
    );
    const broken = await rejection(new Broken().run());
    assert.ok(broken instanceof WorkerError);
    assert.match(broken.message, /could not load data:.*: broken on purpose/);
    assert.ok(broken.cause instanceof RangeError);
  });
});

describe('a subclass', () => {
  test('of the same module runs with its own prototype', async () => {
    const sub = new SameModule();
    assert.equal(await sub.add(1, 1), 2);
    assert.equal(await sub.name(), 'sub of SameModule true');
    assert.equal(statsOf(SameModule, 'name').calls, 1);
    assert.equal(await new services.Retrying().name(), 'retrying Calc true');
  });

  test('of another module, which overrides nothing, runs with the prototype of its base', async () => {
    assert.equal(await new Plain().name(), 'Calc true');
    assert.equal(await StaticPlain.twin(), 'static of Calc');
  });

  test('of another module, which overrides what the base defines, fails and says what to do', async () => {
    await workerError(
      new Overriding().add(1, 2),
      /^Overriding\.add: `who` is overridden by a class that .* does not export, .*; declare the method there with its own @cpuBound\(import\.meta\.url\)/,
    );
  });

  test('of another module with a decorator of its own runs there, and its super call stays in the worker', async () => {
    assert.equal(await new OwnDecorator().name(), 'OwnDecorator true elsewhere');
    assert.equal(await StaticOverride.twin(), 'own static of another');
  });

  test('of another module, which overrides what the other side uses, or the language, fails too', async () => {
    const cure = '.*; declare the method there with its own @cpuBound\\(import\\.meta\\.url\\)$';
    await workerError(new far.FarSides().sides(), new RegExp(`\`static sides\` is overridden ${cure}`));
    await workerError(far.FarLabel.build(), new RegExp(`\`label\` is overridden ${cure}`));
    await workerError(new far.FarText().text(), new RegExp(`\`toString\` is overridden ${cure}`));
    await workerError(
      new far.FarPrimitive().text(),
      new RegExp(`\`this\\[Symbol\\(Symbol.toPrimitive\\)\\]\` is a member of a subclass ${cure}`),
    );
  });

  test('of another module, which adds members, fails only where they are asked for', async () => {
    const cure =
      'is a member of a subclass .*; declare the method there with its own @cpuBound\\(import\\.meta\\.url\\)$';
    const adding = new far.FarAdding();
    assert.equal(await adding.labelled(), 'figure');
    await workerError(adding.items(), new RegExp(`\`this\\[Symbol\\(Symbol.iterator\\)\\]\` ${cure}`));
    await workerError(far.FarAdding.most(), new RegExp(`\`this\\.limit\` ${cure}`));
    assert.equal(await far.FarAdding.keep(), 7);
    assert.equal(await Asking.most(), 10);
  });

  test('of another module runs with the prototype of the nearest class that is exported', async () => {
    assert.equal(await new far.FarSquare().labelled(), 'square');
    assert.equal(await far.FarSquare.build(), 'square');
    await workerError(
      new far.FarHidden().labelled(),
      /`label` is overridden by a class that .*figures\.js does not export/,
    );
  });

  test('of another module that has what an abstract class lacks fails and says what to do', () =>
    workerError(
      new far.FarOutline().run(),
      /^FarOutline\.run: `this\.step` is a member of a subclass .*; declare the method there with its own @cpuBound/,
    ));

  test('that overrides a method called `name` fails as with any other name', () =>
    workerError(new Renamed().name(), /^Renamed\.name: `name` is overridden by a class that .* does not export/));

  test('that is exported does not stand for its base, which is named', () =>
    workerError(new Circle().area(), /^Circle\.area: .*figures\.js does not export the class Round, .*; export it/));

  test('that is not exported and overrides something fails in the same way', async () => {
    await workerError(services.makeHidden().add(1, 2), /its own @cpuBound\(import\.meta\.url\)/);
  });

  test('that looks like another one runs its own code, and fails where it is not exported', async () => {
    assert.equal(await new TwinOne().name(), 'one true');
    assert.equal(await new services.TwinTwo().name(), 'two true');
    await workerError(services.makeHushedTwin().name(), /its own @cpuBound\(import\.meta\.url\)/);
  });
});

describe('this in a worker', () => {
  const calc = new Calc();

  test('has the fields listed in state, as they are at the call', async () => {
    assert.deepEqual(await calc.scaled(4), [8, [1, 2], undefined]);
    const other = new Calc();
    other.factor = 5;
    other.list.push(3);
    assert.deepEqual(await other.scaled(4), [20, [1, 2, 3], undefined]);
  });

  test('has what a getter listed in state gave', async () => {
    assert.equal(await new services.Measured().measured(), 3);
  });

  test('throws when another field is read, naming the field and state', async () => {
    for (const field of ['secret', 'factor', 'unknown'] as const) {
      await workerError(
        calc.reads(field),
        new RegExp(`^Calc\\.reads: \`this\\.${field}\` does not travel .* list '${field}' in the option \`state\``),
      );
    }
  });

  test('has the methods of the class', async () => {
    assert.equal(await calc.name(), 'Calc true');
  });

  test('may be written to, which the caller does not see', async () => {
    assert.equal(await calc.writes(), 7);
    assert.equal(calc.factor, 2);
  });

  test('has no #private fields, and the error says why', async () => {
    const error = await rejection(calc.readsPrivate());
    assert.ok(error instanceof TypeError);
    assert.match(
      error.message,
      /#counter .*in a worker `this` has no #private members: they cannot travel, .* `state`/,
    );
    assert.match(error.stack ?? '', /in a worker `this` has no #private members/);
  });
});

describe('this in a worker, of a figure,', () => {
  const figure = new Figure();

  test('has no #private methods, and the error says why', async () => {
    const error = await rejection(figure.callsPrivate());
    assert.ok(error instanceof TypeError);
    assert.match(error.message, /they cannot travel, only the fields listed in the option `state` of @cpuBound do\)$/);
  });

  test('throws when a field named by a symbol is read', () =>
    workerError(figure.tagged(), /^Figure\.tagged: `this\[Symbol\(tag\)\]` does not travel to a worker; .*`state`/));

  test('throws when a field is read that stands before a member of the class', async () => {
    const odd = Object.assign(new Figure(), { label: () => 'own' });
    await workerError(odd.labelled(), /^Figure\.labelled: `this\.label` does not travel to a worker/);
    assert.equal(await odd.relabelled(), 'anew');
    const hiding = Object.defineProperty(new Figure(), 'label', { value: () => 'own' });
    await workerError(hiding.labelled(), /`this\.label` does not travel to a worker/);
  });

  test('has its methods where the object has them bound', async () => {
    const bound = new Figure();
    bound.label = bound.label.bind(bound);
    assert.equal(await bound.labelled(), 'figure');
  });

  test('is an array with its members, and throws where one is hidden by a field', async () => {
    const grid = new Grid(1000);
    assert.equal(await grid.summed(), 'grid');
    const odd = Object.assign(new Grid(1000), { named: () => 'own' });
    await workerError(odd.summed(), /^Grid\.summed: `this\.named` does not travel to a worker/);
  });

  test('cannot be a frozen class with fields listed in state', () =>
    workerError(
      Frozen.scaled(),
      /^Frozen\.scaled: `this\.scale` is listed in `state`, and cannot be set in a worker: .* sealed or frozen$/,
    ));

  test('is a class with the static fields listed in state, for that call alone', async () => {
    const { scale } = Figure;
    try {
      Figure.scale = 99;
      assert.equal(await Figure.scaled(2), 198);
      assert.deepEqual(await Promise.all([Figure.scaled(1), Figure.scaled(2), Figure.unscaled()]), [99, 198, 10]);
      assert.equal(await far.FarScale.scaled(2), 60);
      assert.equal(await Square.scaled(2), 198);
    } finally {
      Figure.scale = scale;
    }
  });
});

describe('inside a worker', () => {
  const calc = new Calc();

  test('a cpuBound method runs on the thread that calls it', async () => {
    const [outer, inner] = await calc.nested();
    assert.equal(inner, outer);
  });

  test('policies are not applied again', async () => {
    const error = await rejection(calc.callsFlaky());
    assert.match(String(error), /flaky|does not travel/);
  });

  test('currentCall tells of the attempt and of the error that led to it, without a signal', async () => {
    assert.deepEqual(await calc.current(0), { attempt: 1, hedge: 0, signal: undefined, error: undefined });
    assert.deepEqual(await calc.current(2), { attempt: 3, hedge: 0, signal: undefined, error: 'attempt 2' });
  });

  test('a decorated method that the code calls is a call of its own, and a super call is not', async () => {
    const caller = new Caller();
    assert.equal(await caller.later(), 1);
    assert.deepEqual(await caller.atOnce(), [2, 1]);
    assert.deepEqual(await new SubCaller().atOnce(), [2, 10]);
  });

  test('an Orchestrator applies no policy and makes no pool; a FallbackChain falls back', async () => {
    assert.deepEqual(await new Caller().orchestrated(), [true, 'attempt 1', 'fell back']);
    assert.equal(await new Caller().orchestratedInProcess(), true);
  });

  test('retry, fallback and limits stay on the calling side', async () => {
    assert.equal(await calc.failing(3), 'fell back on 3');
    const { attempts, fallbacks } = statsOf(Calc, 'failing');
    assert.deepEqual([attempts, fallbacks], [1, 1]);
  });
});

// Where process.getBuiltinModule is not there: Node 21, and 22 before 22.3.
for (const flags of [[], ['--import', 'data:text/javascript,delete process.getBuiltinModule']]) {
  test(`a program of one file works, its entry guarded as with any worker ${flags.join(' ')}`, async () => {
    for (const runtime of ['worker_threads', 'child_process']) {
      const { code, stdout } = await runProgram('one-file', { flags, args: [runtime] });
      const lines = ['ran off the main thread: 9, OddError true', 'ran off the main thread: 12', 'true', '8', ''];
      assert.deepEqual([code, stdout], [0, lines.join('\n')]);
    }
  });
}
