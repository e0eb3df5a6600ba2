/** The part of sax that the merchant feed uses; the package brings no types. */
declare module "sax" {
  interface SAXParser {
    /** Counted from 0. */
    line: number;
    error: Error | null;
    write(text: string): SAXParser;
    close(): SAXParser;
    resume(): SAXParser;
    onopentag: (tag: { readonly name: string }) => void;
    onclosetag: (name: string) => void;
    ontext: (text: string) => void;
    oncdata: (text: string) => void;
    onerror: (error: Error) => void;
  }
  const sax: {
    parser(strict: boolean, options: { trim: boolean; position: boolean }): SAXParser;
  };
  export default sax;
}
