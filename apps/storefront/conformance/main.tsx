import { createClient } from "@magpie/client";
import { createSearchClient } from "@magpie/instantsearch";
import { algoliasearch } from "algoliasearch";
import { liteClient } from "algoliasearch/lite";
import type { Hit, SearchClient } from "instantsearch.js";
import connectRatingMenu from "instantsearch.js/es/connectors/rating-menu/connectRatingMenu.js";
import InstantSearchJs from "instantsearch.js/es/lib/InstantSearch.js";
import hits from "instantsearch.js/es/widgets/hits/hits.js";
import queryRuleContext from "instantsearch.js/es/widgets/query-rule-context/query-rule-context.js";
import queryRuleCustomData from "instantsearch.js/es/widgets/query-rule-custom-data/query-rule-custom-data.js";
import refinementList from "instantsearch.js/es/widgets/refinement-list/refinement-list.js";
import searchBox from "instantsearch.js/es/widgets/search-box/search-box.js";
import { createRoot } from "react-dom/client";
import {
  Breadcrumb,
  ClearRefinements,
  Configure,
  CurrentRefinements,
  DynamicWidgets,
  EXPERIMENTAL_Autocomplete as Autocomplete,
  FrequentlyBoughtTogether,
  HierarchicalMenu,
  Highlight,
  Hits,
  HitsPerPage,
  Index,
  InfiniteHits,
  InstantSearch,
  LookingSimilar,
  Menu,
  Pagination,
  PoweredBy,
  RangeInput,
  RefinementList,
  RelatedProducts,
  ReverseHighlight,
  SearchBox,
  Snippet,
  SortBy,
  Stats,
  ToggleRefinement,
  TrendingFacets,
  TrendingItems,
  useConnector,
  useGeoSearch,
  useInstantSearch,
  useNumericMenu,
  useQueryRules,
} from "react-instantsearch";
import { Component, useEffect, type ReactNode } from "react";

/**
 * Every stock widget of react-instantsearch on one page, each group with a root of its own. `?client=`
 * chooses who asks: our client, or Algolia's own ones as they are.
 */

const asked = new URLSearchParams(location.search);
const key = asked.get("key") ?? "";
const item = asked.get("item") ?? "";
const hosts = [{ url: location.host, protocol: "http", accept: "readWrite" } as const];
/** Their own are 2 s and 5 s, for hosts of which there are others to ask; a busy test machine has none. */
const timeouts = { connect: 60_000, read: 60_000, write: 60_000 };
const searchClient = (
  {
    native: () =>
      createSearchClient({ client: createClient({ baseUrl: location.origin, apiKey: key }) }),
    algolia: () => algoliasearch("shop", key, { hosts, timeouts }),
    lite: () => liteClient("shop", key, { hosts, timeouts }),
  } as Record<string, () => unknown>
)[asked.get("client") ?? "native"]!() as SearchClient;

function Shown({ hit }: { readonly hit: Hit }) {
  return (
    <article data-item={hit.objectID} data-price={hit["price"] as number}>
      <Highlight attribute="title" hit={hit} />
      <ReverseHighlight attribute="brand" hit={hit} />
      <Snippet attribute="description" hit={hit} />
    </article>
  );
}

function Group({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <section data-testid={name}>
      <h2>{name}</h2>
      <InstantSearch searchClient={searchClient} indexName="products">
        {children}
      </InstantSearch>
    </section>
  );
}

function NumericMenu() {
  const { items, refine } = useNumericMenu({
    attribute: "price",
    items: [{ label: "All" }, { label: "Up to 20", end: 2_000 }, { label: "Above", start: 2_001 }],
  });
  return items.map(({ label, value, isRefined }) => (
    <button key={label} onClick={() => refine(value)} aria-pressed={isRefined} type="button">
      {label}
    </button>
  ));
}

function RatingMenu() {
  const { items, refine } = useConnector(connectRatingMenu, { attribute: "rating", max: 5 }) as {
    items: { value: string; label: string; count: number }[];
    refine: (value: string) => void;
  };
  return items.map(({ value, count }) => (
    <button
      key={value}
      onClick={() => refine(value)}
      type="button"
    >{`${value} up: ${count}`}</button>
  ));
}

function Geo() {
  const { items, refine } = useGeoSearch();
  return (
    <>
      <p data-places={items.length}>{items.map(({ objectID }) => objectID).join(" ")}</p>
      <button
        type="button"
        onClick={() => refine({ northEast: { lat: 49, lng: 3 }, southWest: { lat: 48, lng: 2 } })}
      >
        Around Paris
      </button>
    </>
  );
}

function Rules() {
  const { items } = useQueryRules({});
  const { results } = useInstantSearch();
  // Its types do not know of redirects yet.
  const { redirect } = (results.renderingContent ?? {}) as { redirect?: { url: string } };
  return (
    <p data-rules={items.length} data-redirect={redirect?.url}>
      {items.map((item) => (item as { title?: string }).title).join(", ")}
    </p>
  );
}

/** Widgets that only instantsearch.js has, in a root of its own beside React's. */
function RuleWidgets() {
  useEffect(() => {
    const search = new InstantSearchJs({ searchClient, indexName: "products" });
    const within = (name: string) => `[data-testid="rule-widgets"] .${name}`;
    search.addWidgets([
      searchBox({ container: within("box") }),
      refinementList({ container: within("brands"), attribute: "brand" }),
      queryRuleContext({ trackedFilters: { brand: (values) => values } }),
      queryRuleCustomData({
        container: within("banners"),
        templates: {
          default: ({ items }, { html }) =>
            html`${items.map((item: { title?: string }) => html`<b data-banner>${item.title}</b>`)}`,
        },
      }),
      hits({
        container: within("hits"),
        templates: {
          item: (hit, { html }) => html`<i data-item=${hit.objectID}>${hit["title"]}</i>`,
        },
      }),
    ]);
    search.start();
    return () => search.dispose();
  }, []);
  return (
    <section data-testid="rule-widgets">
      {["box", "brands", "banners", "hits"].map((name) => (
        <div className={name} key={name} />
      ))}
    </section>
  );
}

const titleOf = ({ item: hit }: { readonly item: Hit }) => (
  <article data-item={hit.objectID}>{hit["title"] as string}</article>
);

const ValueOf = ({ item }: { readonly item: { readonly facetValue: string } }) => (
  <b data-value={item.facetValue}>{item.facetValue}</b>
);

class Guard extends Component<{ readonly children: ReactNode }, { readonly error?: string }> {
  override state: { readonly error?: string } = {};
  static getDerivedStateFromError(error: unknown) {
    return { error: String(error) };
  }
  override render() {
    return this.state.error === undefined ? (
      this.props.children
    ) : (
      <pre data-testid="broken">{this.state.error}</pre>
    );
  }
}

function Page() {
  return (
    <>
      <Group name="search">
        <Configure hitsPerPage={6} />
        <SearchBox />
        <Stats />
        <SortBy
          items={[
            { label: "Best", value: "products" },
            { label: "Cheapest", value: "products_price_asc" },
            { label: "Dearest", value: "products_price_desc" },
          ]}
        />
        <HitsPerPage
          items={[
            { label: "6", value: 6, default: true },
            { label: "12", value: 12 },
          ]}
        />
        <CurrentRefinements />
        <ClearRefinements />
        <RefinementList attribute="brand" searchable />
        <ToggleRefinement attribute="available" on />
        <RangeInput attribute="price" />
        <Hits hitComponent={Shown} />
        <Pagination />
        <PoweredBy />
      </Group>
      <Group name="tree">
        <Breadcrumb attributes={["hierarchicalCategories.lvl0", "hierarchicalCategories.lvl1"]} />
        <HierarchicalMenu
          attributes={["hierarchicalCategories.lvl0", "hierarchicalCategories.lvl1"]}
        />
        <Stats />
      </Group>
      <Group name="menu">
        <Menu attribute="brand" />
        <Stats />
      </Group>
      <Group name="numbers">
        <NumericMenu />
        <Stats />
      </Group>
      <Group name="rating">
        <RatingMenu />
        <Stats />
      </Group>
      <Group name="infinite">
        <Configure hitsPerPage={5} />
        <InfiniteHits hitComponent={Shown} />
      </Group>
      <Group name="dynamic">
        <DynamicWidgets fallbackComponent={RefinementList}>
          <RefinementList attribute="brand" />
        </DynamicWidgets>
      </Group>
      <Group name="two">
        <SearchBox />
        <Index indexName="products_price_asc">
          <Hits hitComponent={Shown} />
        </Index>
        <Index indexName="products_price_desc">
          <Hits hitComponent={Shown} />
        </Index>
      </Group>
      <Group name="geo">
        <Geo />
      </Group>
      <Group name="rules">
        <Configure ruleContexts={["landing"]} hitsPerPage={4} />
        <SearchBox />
        <Rules />
        <Hits hitComponent={Shown} />
      </Group>
      <RuleWidgets />
      <Group name="autocomplete">
        <Autocomplete
          indices={[
            {
              indexName: "products",
              getQuery: (hit: Hit) => hit["title"] as string,
              itemComponent: titleOf as never,
            },
          ]}
        />
      </Group>
      <Group name="related">
        <RelatedProducts objectIDs={[item]} itemComponent={titleOf} limit={4} />
      </Group>
      <Group name="similar">
        <LookingSimilar objectIDs={[item]} itemComponent={titleOf} limit={4} />
      </Group>
      <Group name="together">
        <FrequentlyBoughtTogether objectIDs={[item]} itemComponent={titleOf} limit={4} />
      </Group>
      <Group name="trending">
        <TrendingItems itemComponent={titleOf} limit={4} />
      </Group>
      <Group name="trending-facets">
        <TrendingFacets facetName="brand" limit={3} itemComponent={ValueOf} />
      </Group>
    </>
  );
}

createRoot(document.getElementById("root")!).render(
  <Guard>
    <Page />
  </Guard>,
);
