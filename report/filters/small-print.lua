-- Sets what has the class `origin` small, grey and ragged in the PDF; on the page the style sheet does it.
-- Keeps a figure and that line on one page.
-- Keeps a computed number and its unit on one line.
-- Keeps the line under a heading that names item and points ("*Item 4a · 2 points.* …") together with what follows.
-- Keeps a paragraph that ends in a colon or a comma together with the equation or code that it announces.
-- Leaves out lines of origin of the class `unprinted`; puts answers (a Div of the class `answer`) into their box.

local look = "#set text(size: 7.5pt, fill: luma(35%))\n#set par(justify: false)\n#set align(left)\n"

local function is_origin(el) return el.t == "Span" and el.classes:includes("origin") end
local function is_left_out(el) return is_origin(el) and el.classes:includes("unprinted") end

local function block_of(options, content, set)
  return { pandoc.RawBlock("typst", "#block(" .. options .. ")[\n" .. (set or "")), content, pandoc.RawBlock("typst", "]") }
end

local function alone(el)
  local first = el.content[1]
  if first and first.t == "Emph" and pandoc.utils.stringify(first):match("^Item ") then
    return block_of("sticky: true", el)
  end
  if el.t == "Para" and pandoc.utils.stringify(el):match("[:,]$") then
    return block_of("sticky: true, spacing: 0.72em", el) -- of a paragraph, not of a block
  end
  if #el.content ~= 1 then return end
  if is_left_out(first) then return {} end
  if is_origin(first) then return block_of("width: 100%, breakable: false", pandoc.Plain(first.content), look) end
end

local function is_figure(el) -- one picture and no code; both renderers have made typst of it already
  if not el or el.t ~= "Div" then return false end
  local pictures, code = 0, 0
  el:walk {
    Image = function() pictures = pictures + 1 end,
    RawInline = function(raw)
      if raw.text:match("^#picture%(") or raw.text:match("^#box%(image%(") then pictures = pictures + 1 end
    end,
    CodeBlock = function() code = code + 1 end,
  }
  return pictures == 1 and code == 0
end

local function figures_with_origin(blocks)
  local found = pandoc.Blocks {}
  for _, el in ipairs(blocks) do
    local before = found[#found]
    if el.t == "Para" and #el.content == 1 and is_left_out(el.content[1]) then
      -- nothing
    elseif el.t == "Para" and #el.content == 1 and is_origin(el.content[1]) and is_figure(before) then
      found:insert(#found, pandoc.RawBlock("typst", "#block(width: 100%, breakable: false)["))
      found:extend { el, pandoc.RawBlock("typst", "]") }
    else
      found:insert(el)
    end
  end
  return found
end

local function together(el)
  if #pandoc.utils.stringify(el) > 12 then return end
  el.content = el.content:map(function(part) return part.t == "Space" and pandoc.Str("\u{a0}") or part end)
  return el
end

local function among_text(el)
  if el.classes:includes("computed") then return together(el) end
  if is_left_out(el) then return {} end
  if is_origin(el) then
    el.content:insert(1, pandoc.RawInline("typst", "#text(size: 7.5pt, fill: luma(35%))["))
    el.content:insert(pandoc.RawInline("typst", "]"))
    return el.content
  end
end

local function answer(el)
  if not el.classes:includes("answer") then return end
  el.content:insert(1, pandoc.RawBlock("typst", "#answer["))
  el.content:insert(pandoc.RawBlock("typst", "]"))
  return el.content
end

if FORMAT:match("typst") then
  return { { Div = answer }, { Blocks = figures_with_origin }, { Para = alone, Plain = alone }, { Span = among_text } }
end
return {}
