-- Gives every equation of the PDF that has no alternative text yet one that a screen reader can say,
-- derived from its TeX source; PDF/UA asks for it and neither Quarto nor pandoc writes it for inline equations.

local words = {
  ["\\frac"] = "fraction ", ["\\sqrt"] = "square root of ", ["\\cdot"] = " times ", ["\\times"] = " times ",
  ["\\top"] = " transpose", ["\\to"] = " to ", ["\\leq"] = " at most ", ["\\le"] = " at most ", ["\\geq"] = " at least ",
  ["\\ge"] = " at least ", ["\\neq"] = " is not ", ["\\approx"] = " is about ", ["\\sim"] = " is distributed as ",
  ["\\in"] = " in ", ["\\sum"] = " sum ", ["\\prod"] = " product ", ["\\infty"] = " infinity ",
  ["\\partial"] = " partial ", ["\\nabla"] = " gradient ", ["\\odot"] = " elementwise times ", ["\\ldots"] = " and so on ",
  ["\\dots"] = " and so on ", ["\\cdots"] = " and so on ", ["\\pm"] = " plus or minus ", ["\\ll"] = " far less than ",
  ["\\gg"] = " far greater than ", ["\\propto"] = " is proportional to ", ["\\lVert"] = " norm of ", ["\\rVert"] = " ",
  ["\\|"] = " norm ", ["\\left"] = "", ["\\right"] = "", ["\\mathbb"] = "", ["\\mathcal"] = "", ["\\mathrm"] = "",
  ["\\text"] = "", ["\\operatorname"] = "", ["\\mathbf"] = "", ["\\tfrac"] = "fraction ", ["\\dfrac"] = "fraction ",
  ["\\quad"] = ", ", ["\\qquad"] = ", ", ["\\,"] = " ", ["\\;"] = " ", ["\\!"] = "", ["\\%"] = " percent ",
  ["\\Rightarrow"] = " implies ", ["\\implies"] = " implies ", ["\\bigl"] = "", ["\\bigr"] = "", ["\\Bigl"] = "",
  ["\\Bigr"] = "", ["\\lvert"] = " absolute value of ", ["\\rvert"] = " ", ["\\mid"] = " given ",
  ["\\hat"] = "hat ", ["\\bar"] = "bar ", ["\\tilde"] = "tilde ",
}

local function spoken(tex)
  local s = tex:gsub("\\[td]?frac%s*(%b{})%s*(%b{})", function(a, b)
    return " " .. a:sub(2, -2) .. " over " .. b:sub(2, -2) .. " "
  end)
  s = s:gsub("%^%s*\\top", " transpose "):gsub("%^%s*{?%-1}?", " inverse ")
  s = s:gsub("\\%a+", function(name) return words[name] or (" " .. name:sub(2) .. " ") end)
  s = s:gsub("\\[^%a%s]", function(name) return words[name] or (" " .. name:sub(2) .. " ") end)
  s = s:gsub("%^2%f[^%d]", " squared "):gsub("%^", " to the power "):gsub("_", " sub ")
  s = s:gsub("=", " equals "):gsub("%+", " plus "):gsub("<", " less than "):gsub(">", " greater than ")
  s = s:gsub("%-", " minus "):gsub("/", " over "):gsub("&", " "):gsub("[{}\\\"]", " "):gsub("%s+", " ")
  return (s:gsub("^ ", ""):gsub(" $", ""))
end

local function quoted(text) return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"') .. '"' end

-- pandoc 3.9 writes names of symbols that typst 0.15 no longer has.
local renamed = { ["dot.circle"] = "dot.o", ["times.circle"] = "times.o", ["minus.circle"] = "minus.o", ["sect"] = "inter" }

local function typst_math(math)
  local text = pandoc.write(pandoc.Pandoc({ pandoc.Plain({ math }) }), "typst"):gsub("%s+$", "")
  for old, new in pairs(renamed) do
    text = text:gsub("%f[%w]" .. old:gsub("%.", "%%.") .. "%f[%W]", new)
  end
  return text
end

-- Typst has no column gap in cases, and pandoc makes far too much of a thin negative space.
local function mended(math)
  local tex = math.text:gsub("\\!", ""):gsub("(\\begin{cases})(.-)(\\end{cases})", function(first, body, last)
    return first .. body:gsub("&", "& \\quad ") .. last
  end)
  return pandoc.Math(math.mathtype, tex)
end

local function speak(inlines)
  local out, labelled = pandoc.Inlines({}), false
  for _, el in ipairs(inlines) do
    if el.t == "Math" then el = mended(el) end
    local raw = el.t == "RawInline" and el.format == "typst" and el.text or ""
    if raw:match("^#math%.equation%(") then labelled = true end
    if el.t == "Math" and not labelled then
      local block = el.mathtype == "DisplayMath" and "block: true, " or ""
      out:insert(pandoc.RawInline("typst", "#math.equation(" .. block .. "alt: " .. quoted(spoken(el.text)) ..
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
