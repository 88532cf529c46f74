import { expect, test } from "vitest";
import { cookieOf, sessionIn } from "../../../src/web/login-page.ts";

test("the cookie is out of reach of scripts and of other sites, and is found among others", () => {
  expect(cookieOf("abc", 8025)).toBe("sluice-8025=abc; HttpOnly; SameSite=Strict; Path=/");
  expect(sessionIn("a=b; sluice-8025=abc;c=d", 8025)).toBe("abc");
});

test.each([undefined, "", "sluice-8026=abc", "xsluice-8025=abc", "sluice-8025", "; ;=;"])(
  "there is no session in %j",
  (cookies) => expect(sessionIn(cookies, 8025)).toBeUndefined(),
);
