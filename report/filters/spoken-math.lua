-- Gives every equation of the PDF that has no alternative text yet one that a screen reader can say, derived from its
-- TeX source; PDF/UA asks for it and neither Quarto nor pandoc writes it for inline equations.
-- The speech is that of a person who reads a formula aloud: capitals are named, and whatever is longer than one symbol
-- has a spoken end, so that "W h sub t minus 1 end sub" cannot be taken for "(W h sub t) minus 1".

local said = {  -- commands and marks that are one word or a few
  ["\\cdot"] = "times", ["\\times"] = "times", ["\\ast"] = "star", ["\\odot"] = "elementwise times",
  ["\\top"] = "transpose",
  ["\\oplus"] = "direct sum", ["\\otimes"] = "tensor product", ["\\circ"] = "composed with", ["\\to"] = "goes to",
  ["\\rightarrow"] = "goes to", ["\\mapsto"] = "is mapped to", ["\\leq"] = "is at most", ["\\le"] = "is at most",
  ["\\geq"] = "is at least", ["\\ge"] = "is at least", ["\\neq"] = "is not", ["\\ne"] = "is not",
  ["\\approx"] = "is about",
  ["\\sim"] = "is distributed as", ["\\propto"] = "is proportional to", ["\\equiv"] = "is identical to",
  ["\\ll"] = "is far less than", ["\\gg"] = "is far greater than", ["\\in"] = "in", ["\\notin"] = "not in",
  ["\\subset"] = "is a subset of", ["\\cup"] = "union", ["\\cap"] = "intersection", ["\\infty"] = "infinity",
  ["\\partial"] = "partial", ["\\nabla"] = "the gradient of", ["\\pm"] = "plus or minus", ["\\mid"] = "given",
  ["\\forall"] = "for all", ["\\exists"] = "there is", ["\\Rightarrow"] = ", which implies,",
  ["\\implies"] = ", which implies,", ["\\iff"] = ", exactly if,", ["\\ldots"] = "and so on", ["\\dots"] = "and so on",
  ["\\cdots"] = "and so on", ["\\vdots"] = "and so on", ["\\ddots"] = "and so on", ["\\ell"] = "l", ["\\prime"] = "prime",
  ["\\quad"] = ", ", ["\\qquad"] = ", ", ["\\%"] = "percent", ["\\{"] = "open brace", ["\\}"] = "close brace",
  ["\\langle"] = "open angle bracket", ["\\rangle"] = "close angle bracket", ["\\lfloor"] = "the floor of",
  ["\\rfloor"] = "end floor", ["\\lceil"] = "the ceiling of", ["\\rceil"] = "end ceiling",
  ["\\lVert"] = "the norm of", ["\\rVert"] = "end norm", ["\\lvert"] = "the absolute value of",
  ["\\rvert"] = "end absolute value", ["="] = "equals", ["+"] = "plus", ["-"] = "minus", ["<"] = "is less than",
  [">"] = "is greater than", ["/"] = "over", ["*"] = "star", ["!"] = "factorial", ["|"] = "vertical bar",
  ["("] = "open parenthesis", [")"] = "close parenthesis", ["["] = "open bracket", ["]"] = "close bracket",
  ["'"] = "prime", ["~"] = "", ["&"] = "", ["\\\\"] = ";", ["\\,"] = "", ["\\;"] = "", ["\\:"] = "", ["\\!"] = "",
  ["\\ "] = "", ["\\displaystyle"] = "", ["\\limits"] = "", ["\\nolimits"] = "",
}
local functions = {  -- of what follows them
  ["\\sin"] = "sine", ["\\cos"] = "cosine", ["\\tan"] = "tangent", ["\\tanh"] = "hyperbolic tangent",
  ["\\exp"] = "exponential function",
  ["\\log"] = "logarithm", ["\\ln"] = "natural logarithm", ["\\det"] = "determinant", ["\\Pr"] = "probability",
  ["\\dim"] = "dimension", ["\\ker"] = "kernel",
}
local large = {  -- over, or from and to, what stands below and above them
  ["\\sum"] = "the sum", ["\\prod"] = "the product", ["\\int"] = "the integral", ["\\max"] = "the maximum",
  ["\\min"] = "the minimum", ["\\lim"] = "the limit", ["\\sup"] = "the supremum", ["\\inf"] = "the infimum",
  ["\\bigcup"] = "the union", ["\\bigcap"] = "the intersection",
}
local names = { Var = "the variance", Cov = "the covariance", diag = "the diagonal matrix", tr = "the trace" }
local accents = { ["\\hat"] = "hat", ["\\widehat"] = "hat", ["\\bar"] = "bar", ["\\overline"] = "bar",
  ["\\tilde"] = "tilde",
  ["\\widetilde"] = "tilde", ["\\vec"] = "vector", ["\\dot"] = "dot", ["\\ddot"] = "double dot" }
local alphabets = { ["\\mathbf"] = "bold", ["\\boldsymbol"] = "bold", ["\\bm"] = "bold", ["\\mathcal"] = "script",
  ["\\mathfrak"] = "Fraktur", ["\\mathsf"] = "", ["\\mathtt"] = "" }
local sets = { R = "the real numbers", N = "the natural numbers", Z = "the integers", Q = "the rational numbers",
  C = "the complex numbers", E = "the expected value" }
local literal = { ["\\text"] = true, ["\\mathrm"] = true, ["\\operatorname"] = true, ["\\textbf"] = true,
  ["\\mathit"] = true, ["\\textit"] = true, ["\\mbox"] = true }
local sizes = { ["\\left"] = true, ["\\right"] = true, ["\\middle"] = true, ["\\big"] = true, ["\\Big"] = true,
  ["\\bigl"] = true, ["\\bigr"] = true, ["\\Bigl"] = true, ["\\Bigr"] = true, ["\\bigg"] = true, ["\\biggl"] = true,
  ["\\biggr"] = true }

-- Tokens: \command, \mark, {text} of \text and its like, a number, or one character.
local function tokens(tex)
  local found, i = {}, 1
  tex = tex:gsub("(%d){,}(%d)", "%1,%2")
  while i <= #tex do
    local command = tex:match("^\\%a+", i)
    local token = command or tex:match("^\\.", i) or tex:match("^%d[%d.,]*%d", i) or tex:match("^%d", i) or
      tex:match("^%s+", i) or tex:match("^" .. utf8.charpattern, i)
    i = i + #token
    if command and literal[command] then
      if tex:sub(i, i) == "*" then i = i + 1 end
      local body = tex:match("^%s*(%b{})", i)
      if body then
        i = i + #tex:match("^%s*%b{}", i)
        found[#found + 1] = { word = body:sub(2, -2):gsub("[\\{}$]", ""), named = command == "\\operatorname" }
      end
    elseif command == "\\begin" or command == "\\end" then
      local name = tex:match("^{(%a+)%*?}", i)
      i = i + #(tex:match("^{%a+%*?}", i) or "")
      found[#found + 1] = { environment = name, opens = command == "\\begin" }
    elseif not token:match("^%s") then
      found[#found + 1] = token
    end
  end
  return found
end

local function joined(parts)
  local text = table.concat(parts, " "):gsub("%s+", " "):gsub(" ([,;.:])", "%1"):gsub("[,;]+([,;])", "%1")
  return (text:gsub("^[%s,;]+", ""):gsub("[%s,;.]+$", ""))
end

-- Whether a spoken part is one symbol, which needs no spoken end.
local function single(text) return text:match("^%S*$") or text:match("^capital %S+$") or text:match("^minus %w+$") end
local function ended(text, name) return single(text) and text or text .. " end " .. name end

local sequence  -- of a reader, up to one of the stopping tokens

local function argument(r)
  local token = r[r.at]
  if token == "{" then
    r.at = r.at + 1
    return sequence(r, { ["}"] = true })
  elseif type(token) == "string" and token:match("^%d%d") then  -- of a bare number TeX takes one digit
    r[r.at] = token:sub(2)
    return token:sub(1, 1)
  end
  return (r.atom(r))
end

local function scripts(r)
  local below, above
  while r[r.at] == "_" or r[r.at] == "^" or r[r.at] == "'" or r[r.at] == "\\limits" do
    local mark = r[r.at]
    r.at = r.at + 1
    if mark == "_" then below = argument(r)
    elseif mark == "^" then above = argument(r)
    elseif mark == "'" then above = (above and above .. " " or "") .. "prime" end
  end
  return below, above
end

local powers = { ["2"] = "squared", ["3"] = "cubed", transpose = "transpose", ["capital T"] = "to the power capital T",
  ["minus 1"] = "inverse", star = "star", prime = "prime", ["prime prime"] = "double prime",
  ["composed with"] = "degrees" }
local function with_scripts(base, below, above, by)
  local text = base
  if below then text = text .. " sub " .. ended(below, "sub") end
  if above and by then text = text .. " to the power " .. above:gsub("times", "by")
  elseif above and above:match("^open parenthesis") then text = text .. " superscript " .. above
  elseif above then text = text .. " " .. (powers[above] or "to the power " .. ended(above, "power")) end
  return text
end

local function limits(name, below, above)
  if below and above then return name .. " from " .. below .. " to " .. above .. " of" end
  if below then return name .. (name == "the limit" and " as " or " over ") .. below .. " of" end
  return name .. (above and " up to " .. above or "") .. " of"
end

-- Rows and cells of \begin{cases}, of a matrix or of aligned lines.
local function environment(r, name)
  local rows, row, cell = {}, {}, {}
  while r.at <= #r do
    local token = r[r.at]
    if type(token) == "table" and token.environment and not token.opens then r.at = r.at + 1 break end
    if token == "&" or token == "\\\\" then
      r.at = r.at + 1
      row[#row + 1], cell = joined(cell), {}
      if token == "\\\\" then rows[#rows + 1], row = row, {} end
    else
      cell[#cell + 1] = r.piece(r)
    end
  end
  if #cell > 0 or #row > 0 then row[#row + 1] = joined(cell) end
  if #row > 0 then rows[#rows + 1] = row end
  local lines = {}
  if name == "cases" then
    for _, one in ipairs(rows) do
      local when = one[2] and (one[2]:match("^if ") and one[2] or "if " .. one[2])
      lines[#lines + 1] = one[1] .. (when and ", " .. when or "")
    end
    return "one of " .. #rows .. " cases: " .. table.concat(lines, "; ") .. "; end cases"
  elseif name:match("matrix$") or name == "array" then
    for n, one in ipairs(rows) do lines[#lines + 1] = "row " .. n .. ": " .. table.concat(one, ", ") end
    return "the " .. #rows .. " by " .. #(rows[1] or {}) .. " matrix with " .. table.concat(lines, "; ") .. "; end matrix"
  end
  for _, one in ipairs(rows) do lines[#lines + 1] = table.concat(one, " ") end
  return table.concat(lines, "; ")
end

local function atom(r)
  local token = r[r.at]
  r.at = r.at + 1
  if token == nil then return "" end
  if type(token) == "table" then
    if token.environment then return token.opens and environment(r, token.environment) or "" end
    return token.named and names[token.word] or token.word, token.named
  elseif token == "{" then
    return (sequence(r, { ["}"] = true }))
  elseif token:match("^\\[td]?frac$") then
    local above, below = argument(r), argument(r)
    return "the fraction " .. above .. " over " .. below .. " end fraction"
  elseif token == "\\binom" then
    local above, below = argument(r), argument(r)
    return above .. " choose " .. ended(below, "choose")
  elseif token == "\\sqrt" then
    local order
    if r[r.at] == "[" then
      r.at = r.at + 1
      order = sequence(r, { ["]"] = true })
    end
    local name = not order and "square root" or order == "3" and "cube root" or "root of order " .. order
    return "the " .. name .. " of " .. ended(argument(r), "root")
  elseif token == "\\mathbb" then
    local letter = argument(r):gsub("^capital ", "")
    return sets[letter] or "blackboard " .. letter, letter == "E", letter ~= "E" and sets[letter] ~= nil
  elseif alphabets[token] then
    return (((alphabets[token] .. " " .. argument(r)):gsub("^ ", "")))
  elseif accents[token] then
    return argument(r) .. " " .. accents[token]
  elseif token == "\\underbrace" or token == "\\overbrace" then
    local inner = argument(r)
    local below, above = scripts(r)
    return inner .. ((below or above) and " (braced as: " .. (below or above) .. ")" or "")
  elseif sizes[token] then
    return r[r.at] == "." and (function() r.at = r.at + 1 return "" end)() or (atom(r))
  elseif token == "\\|" or token == "\\Vert" then
    r.norm = not r.norm
    return r.norm and "the norm of" or "end norm"
  elseif functions[token] then
    return "the " .. functions[token], true
  elseif large[token] then
    return limits(large[token], scripts(r))
  elseif said[token] then
    return said[token]
  elseif token:match("^%u$") then
    return "capital " .. token
  elseif token:match("^\\%u%l+$") then
    return "capital " .. token:sub(2):lower()
  end
  return (token:gsub("^\\", ""))
end

-- An atom with what stands below and above it; of a named function also the word "of".
local function piece(r)
  local base, name, set = atom(r)
  local below, above = scripts(r)
  local text = with_scripts(base, below, above, set)
  local next = r[r.at]
  local follows = next ~= nil and next ~= "}" and next ~= "=" and next ~= "," and next ~= "&" and next ~= ")"
  return text .. (name and follows and " of" or "")
end

sequence = function(r, stops)
  local parts = {}
  while r.at <= #r do
    local token = r[r.at]
    if type(token) == "string" and stops[token] then
      r.at = r.at + 1
      break
    end
    parts[#parts + 1] = piece(r)
  end
  return joined(parts)
end

local function spoken(tex)
  local r = tokens(tex)
  r.at, r.atom, r.piece = 1, atom, piece
  return sequence(r, {})
end

local function quoted(text) return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"') .. '"' end

-- pandoc 3.9 writes names of symbols that typst 0.15 no longer has.
local renamed = { ["dot.circle"] = "dot.o", ["times.circle"] = "times.o", ["minus.circle"] = "minus.o",
  ["sect"] = "inter" }

local function typst_math(math)
  local text = pandoc.write(pandoc.Pandoc({ pandoc.Plain({ math }) }), "typst"):gsub("%s+$", "")
  for old, new in pairs(renamed) do
    text = text:gsub("%f[%w]" .. old:gsub("%.", "%%.") .. "%f[%W]", new)
  end
  return text
end

-- Typst has no column gap in cases, and pandoc makes far too much of a thin negative space.
local function fixed(math)
  local tex = math.text:gsub("\\!", ""):gsub("(\\begin{cases})(.-)(\\end{cases})", function(first, body, last)
    return first .. body:gsub("&", "& \\quad ") .. last
  end)
  return pandoc.Math(math.mathtype, tex)
end

-- The raw typst in front of a labelled equation, with an alternative text where it has none.
local function with_alt(raw, inlines, start)
  if raw:match("[(,]%s*alt:") then return raw end
  for i = start, #inlines do
    if inlines[i].t == "Math" then
      local alt = "alt: " .. quoted(spoken(inlines[i].text)) .. ", "
      return (raw:gsub("^#math%.equation%(", function(call) return call .. alt end))
    end
  end
  return raw
end

local function speak(inlines)
  local out, labelled = pandoc.Inlines({}), false
  for i, el in ipairs(inlines) do
    local tex = el.t == "Math" and el.text
    if el.t == "Math" then el = fixed(el) end
    local raw = el.t == "RawInline" and el.format == "typst" and el.text or ""
    if raw:match("^#math%.equation%(") then
      labelled = true
      out:insert(pandoc.RawInline("typst", with_alt(raw, inlines, i)))
    elseif el.t == "Math" and not labelled then
      local block = el.mathtype == "DisplayMath" and "block: true, " or ""
      out:insert(pandoc.RawInline("typst", "#math.equation(" .. block .. "alt: " .. quoted(spoken(tex)) ..
        ", " .. typst_math(el) .. ")"))
    elseif el.t == "Math" then
      out:insert(pandoc.RawInline("typst", typst_math(el)))
    else
      out:insert(el)
    end
    if raw:match("^ %]%)<") then labelled = false end
  end
  return out
end

if FORMAT:match("typst") then
  return { { Inlines = speak } }
end
return {}
