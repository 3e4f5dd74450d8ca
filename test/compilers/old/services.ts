import { orchestrate, policiesOf, retry } from 'opero';

/** Every way to put a decorator somewhere; valid JavaScript, which some compilers treat in another way. */
const ways = {
  method: async () => {
    class Shop {
      runs = 0;
      @retry({ waitMin: 0 })
      async buy() {
        if (++this.runs < 3) throw new Error('sold out');
        return this.runs;
      }
    }
    return `${await new Shop().buy()} ${policiesOf(Shop, 'buy').length}`;
  },
  'static method': async () => {
    class Shop {
      size = 1;
      static runs = 0;
      @retry({ waitMin: 0 })
      static async buy() {
        if (++Shop.runs < 3) throw new Error('sold out');
        return Shop.runs;
      }
    }
    return `${await Shop.buy()} ${policiesOf(Shop, 'buy').length}`;
  },
  'numeric method': async () => {
    class Shop {
      runs = 0;
      @retry({ waitMin: 0 })
      async 5() {
        if (++this.runs < 3) throw new Error('sold out');
        return this.runs;
      }
    }
    return `${await new Shop()[5]()} ${policiesOf(Shop, 5).length}`;
  },
  class: async () => {
    @retry({ waitMin: 0 })
    class Shop {
      runs = 0;
      async buy() {
        if (++this.runs < 3) throw new Error('sold out');
        return this.runs;
      }
    }
    return `${await new Shop().buy()} ${policiesOf(Shop, 'buy').length}`;
  },
  'without parentheses': () => {
    class Shop {
      size = 1;
      @retry
      async buy() {}
    }
    return Shop;
  },
  'static, without parentheses': () => {
    class Shop {
      size = 1;
      @orchestrate
      static async buy() {}
    }
    return Shop;
  },
  'field, without parentheses': () => {
    class Shop {
      @retry
      buy = async () => {};
    }
    return Shop;
  },
  field: () => {
    class Shop {
      size = 1;
      @retry(2)
      buy = async () => {};
    }
    return Shop;
  },
  'static field': () => {
    class Shop {
      size = 1;
      @retry(2)
      static buy = async () => {};
    }
    return Shop;
  },
  getter: () => {
    class Shop {
      size = 1;
      @retry(2)
      get price() {
        return 1;
      }
    }
    return Shop;
  },
};

for (const [way, make] of Object.entries(ways)) {
  try {
    console.log(`${way}: ${await make()}`);
  } catch (error) {
    console.log(`${way}: ${error}`);
  }
}
